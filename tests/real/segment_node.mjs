// Sends one message of each type with Segment's client for node, and prints how many were sent.
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const problems = []
const analytics = new Analytics({ host, writeKey, flushAt: 20 })
analytics.on('error', (error) => problems.push(String(error.reason ?? error)))

analytics.identify({ userId: 'node-1', traits: { email: 'ada@example.org', plan: 'gold' } })
analytics.page({ userId: 'node-1', name: 'Shoes' })
analytics.screen({ userId: 'node-1', name: 'Basket' })
analytics.group({ userId: 'node-1', groupId: 'g-1', traits: { size: 3 } })
analytics.track({ userId: 'node-1', event: 'Bought', properties: { size: 42 }, timestamp: new Date('2026-01-01') })
analytics.alias({ userId: 'node-1', previousId: 'before' })
await analytics.closeAndFlush()
console.log(JSON.stringify({ problems }))

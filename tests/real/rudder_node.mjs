// Sends one message of each type with RudderStack's client for node: packed by gzip, or not.
import Analytics from '@rudderstack/rudder-sdk-node'

const [dataPlaneUrl, writeKey, packed] = process.argv.slice(2)
const problems = []
const analytics = new Analytics(writeKey, {
  dataPlaneUrl,
  gzip: packed === 'gzip',
  logLevel: 'error',
  errorHandler: (error) => problems.push(String(error)),
})

analytics.identify({ userId: 'node-1', traits: { email: 'ada@example.org', plan: 'gold' } })
analytics.page({ userId: 'node-1', name: 'Shoes' })
analytics.screen({ userId: 'node-1', name: 'Basket' })
analytics.group({ userId: 'node-1', groupId: 'g-1', traits: { size: 3 } })
analytics.track({ userId: 'node-1', event: 'Bought', properties: { size: 42 } })
analytics.alias({ userId: 'node-1', previousId: 'before' })
await analytics.flush()
console.log(JSON.stringify({ problems }))

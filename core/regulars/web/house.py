"""The server as the dispatcher of messages sees it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from regulars.clock import Clock
from regulars.consents.registry import ConsentRegistry
from regulars.contact.rule_set import ContactRules
from regulars.database import Database
from regulars.messages.deliveries import Deliveries, Delivery
from regulars.messages.dispatcher import TemplateAway
from regulars.messages.models import Message
from regulars.messages.templates import MessageContent, MessageToWrite
from regulars.plugins.calling.calls import PluginCallFailed
from regulars.plugins.calling.hook_calls import write_message
from regulars.plugins.context import Company
from regulars.plugins.host import PluginHost
from regulars.selfservice.down_tokens import DownToken, write_down_token

__all__ = ["STOP_PATH", "ServerHouse"]

STOP_PATH = "/stop"


@dataclass(frozen=True)
class ServerHouse:
    """What the dispatcher needs; ``public_url`` is where customers reach the server, empty when nobody said so."""

    database: Database
    clock: Clock
    consent_registry: ConsentRegistry
    host: PluginHost
    deliveries: Deliveries
    rules: Callable[[], ContactRules]
    secret: str
    public_url: str
    company: Callable[[], Company]

    @property
    def contact_rules(self) -> ContactRules:
        """Return the rules that every contact must pass, as they are now."""
        return self.rules()

    @property
    def language(self) -> str:
        """Return the company's usual language."""
        return self.company().languages[0]

    def delivery_of(self, channel: str) -> Delivery | None:
        """Return what takes messages of a channel out of the house."""
        return self.deliveries.get(channel)

    def stop_link(self, message: Message) -> str | None:
        """Return the address at which the reader stops the message's stream; None for mails that have none."""
        if message.customer_id is None or not self.public_url:
            return None
        token = DownToken(message.customer_id, topic=message.topic)
        if message.topic == "*":
            token = replace(token, purpose=message.request["purpose"] or "marketing")
        return f"{self.public_url.rstrip('/')}{STOP_PATH}/{write_down_token(token, secret=self.secret)}"

    async def write_message(self, template: str, message: MessageToWrite) -> MessageContent | None:
        """Let the plugin whose template it is write the words; raises ``TemplateAway``."""
        try:
            return await write_message(self.host, template=template, message=message)
        except PluginCallFailed as failure:
            raise TemplateAway(str(failure)) from failure

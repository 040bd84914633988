from wit_world import exports
from wit_world.exports.handler import Verdict, Verdict_Discard, Verdict_Forward
from wit_world.imports import output
from wit_world.imports.events import Event


class Handler(exports.Handler):
    def process(self, event: Event) -> Verdict:
        if event.json_string("/action") == "deleted":
            return Verdict_Discard("deleted")
        output.set_header("x-kind", event.kind())
        return Verdict_Forward()

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.delivery import Receipt
from wit_world.imports import config, http
from wit_world.imports.events import Event
from wit_world.imports.types import Failure_Permanent, Failure_Retryable


class Delivery(exports.Delivery):
    def deliver(self, message: Event, attempt: int) -> Receipt:
        request = http.Request("POST", config.get("/url") or "", [], message.body(), 0)
        try:
            answer = http.send(request)
        except Err as error:
            raise Err(Failure_Retryable(str(error.value))) from error
        if 200 <= answer.status < 300:
            return Receipt(answer.status, answer.body.decode(errors="replace"))
        reason = f"the receiver answered {answer.status}"
        again = answer.status == 429 or answer.status >= 500
        raise Err(Failure_Retryable(reason) if again else Failure_Permanent(reason))

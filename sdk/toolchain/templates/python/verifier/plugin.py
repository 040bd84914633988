import hmac

from wit_world import exports
from wit_world.exports.verification import Identity, Outcome, Outcome_Genuine, Outcome_Rejected
from wit_world.imports import config, secrets
from wit_world.imports.events import Event


class Verification(exports.Verification):
    def verify(self, request: Event) -> Outcome:
        secret = secrets.get(config.get("/secret") or "")
        token = (request.header("x-token") or "").encode()
        # How long the comparison takes must not tell how much of a guess was right.
        if secret is None or not hmac.compare_digest(token, secret):
            return Outcome_Rejected("x-token is missing or wrong")
        return Outcome_Genuine(Identity(request.header("x-kind"), None))

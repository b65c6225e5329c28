"""The wire: what is accepted, what is refused and with which words."""

import hmac
import json
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from starlette.background import BackgroundTask

from mlkit.serving._rollout import BY_HAND, Rollout
from mlkit.serving._store import LONGEST, as_json
from mlkit.serving._writer import NotSafeError
from mlkit.validation import Schema, check_row

_LAST_CHANGES = 20
_ACTIONS = {"promote": 1.0, "roll back": 0.0}


def build(rollout: Rollout, *, schema: Schema | None, token: str, max_bytes: int) -> FastAPI:
    """The application around a rollout; nothing it serves comes from elsewhere."""
    wire = _Wire(rollout, schema, token, max_bytes)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        await rollout.open()
        yield
        await rollout.close()

    app = FastAPI(title="mlkit", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    for path, methods, endpoint in (
        ("/predict", ["POST"], wire.predict),
        ("/feedback", ["POST"], wire.feedback),
        ("/metrics", ["GET"], wire.metrics),
        ("/health", ["GET"], wire.health),
        ("/admin/rollout", ["GET"], wire.standing),
        ("/admin/rollout", ["POST"], wire.change),
    ):
        app.add_api_route(path, endpoint, methods=methods, response_model=None)
    app.add_exception_handler(HTTPException, wire.refused)
    app.add_exception_handler(NotSafeError, wire.not_safe)
    return app


class _Wire:
    def __init__(self, rollout: Rollout, schema: Schema | None, token: str, max_bytes: int) -> None:
        self.rollout, self.schema, self.token, self.max_bytes = rollout, schema, token, max_bytes

    async def predict(self, request: Request) -> Response:
        body = await self._body(request)
        begun = request.scope["mlkit.begun"]
        item, user = _name(body, "item"), _name(body, "user")
        features = body.get("features")
        if not isinstance(features, dict):
            raise HTTPException(422, 'features is missing: {"features": {"name": value, ...}}.')
        if self.schema is not None and (broken := check_row(features, self.schema)):
            raise HTTPException(422, " ".join(one.found for one in broken))
        text = _finite(features)
        version, answer = await self.rollout.predict(item, user, features, text)
        after = BackgroundTask(self._after, item, user, text)
        if answer.prediction is None:
            # What the model raised is for the log, not for whoever asked.
            return _json(500, '{"detail": "the model failed; the log says why."}', after)
        self.rollout.meters.took(perf_counter() - begun)
        told = f'{{"item": {as_json(item)}, "prediction": {answer.prediction}, '
        told += f'"score": {as_json(answer.score)}, "version": "{version}"}}'
        return _json(200, told, after)

    async def _after(self, item: str, user: str, text: str) -> None:
        self.rollout.shadow(item, user, text)

    async def feedback(self, request: Request) -> Response:
        body = await self._body(request)
        item, label = _name(body, "item"), body.get("label")
        if not isinstance(label, str | int | float):
            raise HTTPException(422, "label is missing: text, a number, true or false.")
        _finite({"label": label})
        found = await self.rollout.label(item, label)
        if isinstance(found, str):
            raise HTTPException(422, found)
        if not found:
            raise HTTPException(404, f"no request had the item {item!r}.")
        return _json(200, as_json({"item": item, "rows": found}))

    async def metrics(self) -> Response:
        return Response(self.rollout.meters.text(), media_type="text/plain; version=0.0.4")

    async def health(self) -> Response:
        about = {
            "status": "ok",
            "mode": self.rollout.policy.mode,
            "share": self.rollout.share,
            "latency_ms": self.rollout.meters.latency_ms(),
        }
        return _json(200, as_json(about))

    async def standing(self, request: Request) -> Response:
        self._allowed(request)
        return _json(200, as_json(await self._standing()))

    async def change(self, request: Request) -> Response:
        self._allowed(request)
        body = await self._body(request)
        share = body.get("share", _ACTIONS.get(str(body.get("action"))))
        if share is None:
            raise HTTPException(
                422, 'send {"action": "promote"}, {"action": "roll back"} or {"share": 0.2}.'
            )
        try:
            await self.rollout.change(share, str(body.get("why", BY_HAND)))
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        return _json(200, as_json(await self._standing()))

    async def _standing(self) -> dict[str, Any]:
        changes = await self.rollout.recent(_LAST_CHANGES)
        changes = changes.assign(timestamp=changes["timestamp"].map(lambda at: at.isoformat()))
        about = {"mode": self.rollout.policy.mode, "share": self.rollout.share}
        shown = changes[["timestamp", "action", "share", "why", "candidate"]]
        return {**about, "changes": shown.to_dict("records")}

    def _allowed(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            raise HTTPException(
                401,
                "this needs the header Authorization: Bearer <token>, with the server's token.",
                {"WWW-Authenticate": "Bearer"},
            )

    async def _body(self, request: Request) -> dict[str, Any]:
        request.scope["mlkit.begun"] = perf_counter()
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            # A page in somebody's browser may send other kinds here without asking first.
            raise HTTPException(415, "send JSON, with the header Content-Type: application/json.")
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > self.max_bytes:
            raise self._too_large()
        whole = bytearray()
        async for part in request.stream():
            whole += part
            if len(whole) > self.max_bytes:
                raise self._too_large()
        try:
            body = json.loads(whole)
        except (ValueError, RecursionError):
            raise HTTPException(400, "the body is not JSON.") from None
        if not isinstance(body, dict):
            raise HTTPException(422, "the body is one JSON object.")
        return body

    def _too_large(self) -> HTTPException:
        words = f"the body is larger than {self.max_bytes:,} bytes."
        return HTTPException(413, words, {"Connection": "close"})

    async def refused(self, _request: Request, error: Exception) -> Response:
        status, headers = getattr(error, "status_code", 500), getattr(error, "headers", None)
        self.rollout.meters.refused.labels(str(status)).inc()
        answer = _json(status, as_json({"detail": getattr(error, "detail", "")}))
        answer.headers.update(headers or {})
        return answer

    async def not_safe(self, request: Request, _error: Exception) -> Response:
        words = "the log cannot be written, so nothing is answered. Try again later."
        return await self.refused(request, HTTPException(503, words))


def _json(status: int, text: str, after: BackgroundTask | None = None) -> Response:
    return Response(text, status, media_type="application/json", background=after)


def _name(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= LONGEST:
        raise HTTPException(422, f"{field} is missing: printable text of 1 to {LONGEST} letters.")
    return value


def _finite(features: dict[str, Any]) -> str:
    try:
        return as_json(features)
    except (ValueError, RecursionError):
        raise HTTPException(
            422, "a number is NaN or infinite: leave it out or send null."
        ) from None

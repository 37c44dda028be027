"""The official Python SDK, unmodified, against the simulator."""

import json
import os
import sys
import time
import urllib.request

import anthropic

URL = os.environ["SIMULATOR_URL"]
MODEL = "claude-opus-5"
HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
client = anthropic.Anthropic(api_key="sk-ant-planted", base_url=URL, max_retries=0)
failures = []


def scenario(text):
    """Changes the scenario: a name, or TOML."""
    request = urllib.request.Request(f"{URL}/_simulator/scenario", data=text.encode(), method="POST")
    urllib.request.urlopen(request).read()


def check(name):
    """Runs what it decorates, and says how it went."""

    def run(step):
        try:
            step()
            print(f"python: ok    {name}")
        except Exception as error:  # every failure is one line, and the next step runs
            failures.append(name)
            print(f"python: FAILED {name}: {type(error).__name__}: {error}")

    return run


@check("plain call")
def plain():
    scenario("healthy")
    message = client.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    assert message.content[0].text == "Hello from the simulator: all is well."
    assert message.stop_reason == "end_turn" and message.usage.output_tokens > 5
    assert message._request_id.startswith("req_"), message._request_id


@check("stream helper")
def stream():
    with client.messages.stream(model=MODEL, max_tokens=100, messages=HELLO) as events:
        text = "".join(events.text_stream)
        message = events.get_final_message()
    assert text == "Hello from the simulator: all is well." == message.content[0].text
    assert message.stop_reason == "end_turn" and message.usage.input_tokens > 0


@check("tool call and result")
def tools():
    scenario("lifelike")
    for streamed in (False, True):
        call = dict(model=MODEL, max_tokens=200, tools=[WEATHER], messages=HELLO)
        if streamed:
            with client.messages.stream(**call) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**call)
        assert message.stop_reason == "tool_use", message.stop_reason
        use = message.content[-1]
        assert (use.name, use.input) == ("get_weather", {"city": "example"}), use
        result = {"type": "tool_result", "tool_use_id": use.id, "content": "Rain"}
        call["messages"] = HELLO + [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": [result]},
        ]
        assert client.messages.create(**call).stop_reason == "end_turn"


@check("thinking")
def thinking():
    call = dict(model=MODEL, max_tokens=2000, thinking={"type": "adaptive"}, messages=HELLO)
    plain = client.messages.create(**call)
    with client.messages.stream(**call) as events:
        streamed = events.get_final_message()
    for message in (plain, streamed):
        block = message.content[0]
        assert block.type == "thinking" and block.thinking and block.signature, block
    again = HELLO + [{"role": "assistant", "content": streamed.content}, *HELLO]
    assert client.messages.create(**{**call, "messages": again}).content


@check("count_tokens")
def count():
    assert client.messages.count_tokens(model=MODEL, messages=HELLO).input_tokens > 0


@check("models")
def models():
    ids = [model.id for model in client.models.list(limit=5)]
    assert len(ids) > 10 and len(set(ids)) == len(ids), ids
    model = client.models.retrieve(MODEL)
    assert model.display_name == "Claude Opus 5" and model.lifecycle == "active", model
    assert model.capabilities.effort.xhigh.supported, model.capabilities
    assert not model.capabilities.thinking.types.enabled.supported, model.capabilities


@check("the prompt cache in usage")
def cache():
    scenario("healthy")
    mark = {"type": "ephemeral", "ttl": "1h"}
    system = [{"type": "text", "text": "word " * 2000, "cache_control": mark}]
    call = dict(model=MODEL, max_tokens=50, system=system, messages=HELLO)
    first = client.messages.create(**call).usage
    with client.messages.stream(**call) as events:
        again = events.get_final_message().usage
    written = first.cache_creation.ephemeral_1h_input_tokens
    assert written > 1000 and written == first.cache_creation_input_tokens, first
    assert again.cache_read_input_tokens == written, again
    assert again.input_tokens == first.input_tokens < 20, again


@check("batch to its results")
def batch():
    params = {"model": MODEL, "max_tokens": 50, "messages": HELLO}
    requests = [{"custom_id": f"item-{n}", "params": params} for n in range(3)]
    requests.append({"custom_id": "wrong", "params": {**params, "max_tokens": -1}})
    batch = client.messages.batches.create(requests=requests)
    assert batch.processing_status == "in_progress"
    for _ in range(100):
        batch = client.messages.batches.retrieve(batch.id)
        if batch.processing_status == "ended":
            break
        time.sleep(0.02)
    assert (batch.request_counts.succeeded, batch.request_counts.errored) == (3, 1), batch
    results = {entry.custom_id: entry.result for entry in client.messages.batches.results(batch.id)}
    assert results["item-0"].message.content[0].text
    assert results["wrong"].type == "errored"
    assert batch.id in [known.id for known in client.messages.batches.list()]
    client.messages.batches.cancel(batch.id)
    client.messages.batches.delete(batch.id)


def error(status, kind, expected):
    @check(f"{status} is {expected.__name__}")
    def typed():
        body = f'[[reply]]\nerror = {{ status = {status}, type = "{kind}", message = "On purpose" }}'
        scenario(body)
        try:
            client.messages.create(model=MODEL, max_tokens=10, messages=HELLO)
        except anthropic.APIStatusError as caught:
            assert type(caught) is expected, type(caught)
            assert caught.status_code == status and caught.request_id.startswith("req_")
            assert "On purpose" in str(caught), caught
        else:
            raise AssertionError("it did not fail")


error(400, "invalid_request_error", anthropic.BadRequestError)
error(401, "authentication_error", anthropic.AuthenticationError)
error(403, "permission_error", anthropic.PermissionDeniedError)
error(404, "not_found_error", anthropic.NotFoundError)
error(413, "request_too_large", getattr(anthropic, "ContentTooLargeError", None) or anthropic._exceptions.RequestTooLargeError)
error(429, "rate_limit_error", anthropic.RateLimitError)
error(500, "api_error", anthropic.InternalServerError)
error(529, "overloaded_error", getattr(anthropic, "OverloadedError", None) or anthropic._exceptions.OverloadedError)


@check("an error event inside a stream")
def in_stream():
    scenario("overloaded-in-stream")
    try:
        with client.messages.stream(model=MODEL, max_tokens=10, messages=HELLO) as events:
            events.get_final_message()
    except anthropic.APIStatusError as caught:
        assert caught.status_code == 200, caught.status_code
        assert "overloaded_error" in json.dumps(caught.body), caught.body
    else:
        raise AssertionError("it did not fail")


@check("a 400 of the simulator's own")
def refused():
    scenario("healthy")
    try:
        client.messages.create(model="claude-sonnet-5-5", max_tokens=10, messages=HELLO + [{"role": "assistant", "content": "So"}])
    except anthropic.BadRequestError as caught:
        assert "does not support assistant message prefill" in str(caught)
    else:
        raise AssertionError("it did not fail")


@check("retries as the SDK makes them")
def retried():
    scenario("overloaded-twice")
    retrying = client.with_options(max_retries=2)
    assert retrying.messages.create(model=MODEL, max_tokens=50, messages=HELLO).content
    journal = json.load(urllib.request.urlopen(f"{URL}/_simulator/journal"))
    assert [entry["retry_count"] for entry in journal["entries"]] == [0, 1, 2]
    verdict = json.load(urllib.request.urlopen(f"{URL}/_simulator/verdict"))
    assert verdict["clean"], verdict


print(f"python: anthropic {anthropic.__version__}, {len(failures)} failed")
sys.exit(1 if failures else 0)

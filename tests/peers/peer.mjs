// The official TypeScript SDK, unmodified, against the simulator.

import Anthropic, * as sdk from "@anthropic-ai/sdk";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const url = process.env.SIMULATOR_URL;
const model = "claude-opus-5";
const hello = [{ role: "user", content: "Hello" }];
const weather = {
  name: "get_weather",
  description: "The weather in a city",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const client = new Anthropic({ apiKey: "sk-ant-planted", baseURL: url, maxRetries: 0 });
let failures = 0;

async function scenario(body) {
  const reply = await fetch(`${url}/_simulator/scenario`, { method: "POST", body });
  assert.equal(reply.status, 200, await reply.text());
}

async function check(name, step) {
  try {
    await step();
    console.log(`typescript: ok    ${name}`);
  } catch (error) {
    failures += 1;
    console.log(`typescript: FAILED ${name}: ${error.constructor.name}: ${error.message}`);
  }
}

await check("plain call", async () => {
  await scenario("healthy");
  const message = await client.messages.create({ model, max_tokens: 100, messages: hello });
  assert.equal(message.content[0].text, "Hello from the simulator: all is well.");
  assert.equal(message.stop_reason, "end_turn");
  assert.match(message._request_id, /^req_/);
});

await check("stream helper", async () => {
  const stream = client.messages.stream({ model, max_tokens: 100, messages: hello });
  let text = "";
  stream.on("text", (piece) => (text += piece));
  const message = await stream.finalMessage();
  assert.equal(text, "Hello from the simulator: all is well.");
  assert.equal(message.content[0].text, text);
  assert.equal(message.stop_reason, "end_turn");
});

await check("tool call and result", async () => {
  await scenario("lifelike");
  for (const streamed of [false, true]) {
    const call = { model, max_tokens: 200, tools: [weather], messages: hello };
    const message = streamed
      ? await client.messages.stream(call).finalMessage()
      : await client.messages.create(call);
    assert.equal(message.stop_reason, "tool_use");
    const use = message.content.at(-1);
    assert.deepEqual([use.name, use.input], ["get_weather", { city: "example" }]);
    const result = { type: "tool_result", tool_use_id: use.id, content: "Rain" };
    const turns = [{ role: "assistant", content: message.content }, { role: "user", content: [result] }];
    const end = await client.messages.create({ ...call, messages: [...hello, ...turns] });
    assert.equal(end.stop_reason, "end_turn");
  }
});

await check("thinking", async () => {
  const call = { model, max_tokens: 2000, thinking: { type: "adaptive" }, messages: hello };
  const plain = await client.messages.create(call);
  const streamed = await client.messages.stream(call).finalMessage();
  for (const message of [plain, streamed]) {
    const block = message.content[0];
    assert.equal(block.type, "thinking");
    assert.ok(block.thinking && block.signature);
  }
});

await check("count_tokens", async () => {
  const count = await client.messages.countTokens({ model, messages: hello });
  assert.ok(count.input_tokens > 0);
});

await check("models", async () => {
  const ids = [];
  for await (const one of client.models.list({ limit: 5 })) ids.push(one.id);
  assert.ok(ids.length > 10 && new Set(ids).size === ids.length, ids.join());
  assert.equal((await client.models.retrieve(model)).display_name, "Claude Opus 5");
});

await check("batch to its results", async () => {
  const params = { model, max_tokens: 50, messages: hello };
  const requests = [0, 1, 2].map((n) => ({ custom_id: `item-${n}`, params }));
  requests.push({ custom_id: "wrong", params: { ...params, max_tokens: -1 } });
  let batch = await client.messages.batches.create({ requests });
  assert.equal(batch.processing_status, "in_progress");
  for (let turn = 0; turn < 100 && batch.processing_status !== "ended"; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    batch = await client.messages.batches.retrieve(batch.id);
  }
  assert.deepEqual([batch.request_counts.succeeded, batch.request_counts.errored], [3, 1]);
  const results = {};
  for await (const entry of await client.messages.batches.results(batch.id)) {
    results[entry.custom_id] = entry.result;
  }
  assert.ok(results["item-0"].message.content[0].text);
  assert.equal(results.wrong.type, "errored");
  await client.messages.batches.delete(batch.id);
});

for (const [status, type, expected] of [
  [400, "invalid_request_error", "BadRequestError"],
  [401, "authentication_error", "AuthenticationError"],
  [403, "permission_error", "PermissionDeniedError"],
  [404, "not_found_error", "NotFoundError"],
  [413, "request_too_large", "ContentTooLargeError"],
  [429, "rate_limit_error", "RateLimitError"],
  [500, "api_error", "InternalServerError"],
  [529, "overloaded_error", "OverloadedError"],
]) {
  await check(`${status} is ${expected}`, async () => {
    await scenario(`[[reply]]\nerror = { status = ${status}, type = "${type}", message = "On purpose" }`);
    const caught = await client.messages
      .create({ model, max_tokens: 10, messages: hello })
      .then(() => assert.fail("it did not fail"), (error) => error);
    assert.equal(caught.constructor.name, expected);
    assert.ok(caught instanceof sdk.APIError);
    assert.equal(caught.status, status);
    assert.match(caught.requestID, /^req_/);
  });
}

await check("an error event inside a stream", async () => {
  await scenario("overloaded-in-stream");
  const caught = await client.messages
    .stream({ model, max_tokens: 10, messages: hello })
    .finalMessage()
    .then(() => assert.fail("it did not fail"), (error) => error);
  assert.ok(caught instanceof sdk.APIError, caught.constructor.name);
  assert.match(caught.message, /overloaded_error/);
});

await check("retries as the SDK makes them", async () => {
  await scenario("overloaded-twice");
  await client.messages.create({ model, max_tokens: 50, messages: hello }, { maxRetries: 2 });
  const journal = await (await fetch(`${url}/_simulator/journal`)).json();
  assert.deepEqual(journal.entries.map((entry) => entry.retry_count), [0, 1, 2]);
  const verdict = await (await fetch(`${url}/_simulator/verdict`)).json();
  assert.ok(verdict.clean, JSON.stringify(verdict));
});

const entry = createRequire(import.meta.url).resolve("@anthropic-ai/sdk");
const { version } = JSON.parse(readFileSync(join(dirname(entry), "package.json"), "utf8"));
console.log(`typescript: @anthropic-ai/sdk ${version}, ${failures} failed`);
process.exit(failures === 0 ? 0 : 1);

// Drives a sandbox with fal's own JavaScript client, changed in nothing but the origin it calls.
//
//   BASE_URL=http://127.0.0.1:PORT MODE=fetch|proxy MEDIATUI_NODE_MODULES=/folder/with/node_modules node fal_client.mjs
//
// Prints one JSON object with what the client saw.

import { createRequire } from "node:module";
import path from "node:path";

const modules = path.resolve(process.env.MEDIATUI_NODE_MODULES);
const require = createRequire(path.join(modules, "anchor.js"));
const { createFalClient } = require(path.join(modules, "@fal-ai/client"));

const base = process.env.BASE_URL;
const otherOrigin = /^https:\/\/([a-z0-9-]+\.)*fal\.(run|ai|media)/;

const redirected =
  process.env.MODE === "proxy"
    ? { proxyUrl: { url: base, when: "always" } }
    : { fetch: (url, options) => fetch(String(url).replace(otherOrigin, base), options) };

const fal = createFalClient({ credentials: "any:key", retry: { maxRetries: 0 }, ...redirected });

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return { name: error.name, status: error.status, body: error.body };
  }
  return null;
}

const endpoint = "sandbox/text-to-video/fast";
const small = { prompt: "neon city", duration: 0.25, resolution: "180p", seed: 5 };

const submitted = await fal.queue.submit(endpoint, { input: small });
const requestId = submitted.request_id;
const updates = [];
await fal.queue.subscribeToStatus(endpoint, {
  requestId,
  logs: true,
  pollInterval: 50,
  onQueueUpdate: (update) => updates.push(update.status),
});
const result = await fal.queue.result(endpoint, { requestId });
const file = await fetch(result.data.video.url);
const bytes = new Uint8Array(await file.arrayBuffer());

const streamed = [];
const subscribed = await fal.subscribe(endpoint, {
  input: small,
  ...(process.env.MODE === "proxy" ? { pollInterval: 50 } : { mode: "streaming" }),
  logs: true,
  onQueueUpdate: (update) => streamed.push(update),
});

const ran = await fal.run("sandbox/text-to-image", {
  input: { prompt: "ridge", image_size: { width: 64, height: 48 } },
});

const uploaded = await fal.storage.upload(new Blob([bytes], { type: "video/mp4" }));
const back = new Uint8Array(await (await fetch(uploaded)).arrayBuffer());

const waiting = await fal.queue.submit(endpoint, { input: { ...small, sandbox_fault: "slow-queue" } });
await fal.queue.cancel(endpoint, { requestId: waiting.request_id });
const cancelled = await fal.queue.status(endpoint, { requestId: waiting.request_id, logs: true });

const report = {
  submitted,
  updates,
  video: result.data.video,
  resultRequestId: result.requestId,
  downloaded: bytes.length,
  subscribed: subscribed.data.video.content_type,
  lastLog: streamed.at(-1).logs.at(-1).message,
  image: ran.data.images[0],
  uploadCameBack: Buffer.compare(Buffer.from(bytes), Buffer.from(back)) === 0,
  cancelled: cancelled.error_type,
  invalid: await failure(fal.subscribe(endpoint, { input: { prompt: "x", duration: 999 } })),
  locked: await failure(fal.queue.submit("sandbox/faults/exhausted-balance", { input: small })),
};
console.log(JSON.stringify(report));

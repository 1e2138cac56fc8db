// Plays a session's life beside a controller that runs, and fails where something is not as it should be.
import assert from "node:assert/strict";
import http from "node:http";
import { endSession, onSessionError, prisma, reviveSession, startSession, type Failure } from "./sessions.js";

const image = process.env.IMAGE ?? "";

async function row(id: string) {
  return prisma.session.findUniqueOrThrow({ where: { id } });
}

async function until(what: string, holds: () => Promise<boolean>) {
  for (const began = Date.now(); Date.now() - began < 20_000; ) {
    if (await holds()) return;
    await new Promise((wait) => setTimeout(wait, 50));
  }
  throw new Error(`waited 20 s in vain until ${what}`);
}

/** Lets the container's process die by itself, as far as the controller can tell. */
async function kill(container: string) {
  const socketPath = (process.env.DOCKER_HOST ?? "").replace(/^unix:\/\//, "");
  await new Promise<void>((resolve, reject) => {
    const path = `/v1.41/containers/${container}/kill`;
    http.request({ socketPath, method: "POST", path }, (r) => r.resume().on("end", resolve)).on("error", reject).end();
  });
}

const failures: Failure[] = [];
const stopListening = await onSessionError((f) => failures.push(f));

const id = await startSession(image);
const before = await row(id);
assert.equal(before.status, "ACTIVE");
assert.match(before.containerId ?? "", /^[0-9a-f]{64}$/);

await kill(before.containerId!);
await until("the session says ERROR and claims nothing", async () => {
  const now = await row(id);
  return now.status === "ERROR" && now.containerId === null;
});
assert.match((await row(id)).errorMessage ?? "", /exited with code 137/);
await until("the failure is told", async () => failures.some((f) => f.session === id && f.reason === "ContainerExited"));

await reviveSession(id, image);
const revived = await row(id);
assert.equal(revived.status, "ACTIVE");
assert.notEqual(revived.containerId, before.containerId);

await endSession(id);
await until("the container is cleaned up", async () => (await row(id)).containerId === null);
assert.equal((await row(id)).status, "TERMINATED");

await stopListening();
await prisma.$disconnect();
console.log("as it should be");

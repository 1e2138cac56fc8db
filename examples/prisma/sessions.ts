// What a session server with Prisma does so that session-controller can do its part.
import pg from "pg";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/client.js";
import { createContainer, removeContainer, startContainer } from "./docker.js";

export const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }),
});

/** Begins a session: the row, then the container, its id at once, and only then its process. */
export async function startSession(image: string): Promise<string> {
  const session = await prisma.session.create({ data: { status: "ACTIVE" } });
  const container = await createContainer(image, session.id);
  const { count } = await prisma.session.updateMany({
    where: { id: session.id, status: "ACTIVE", containerId: null },
    data: { containerId: container },
  });
  if (count === 0) {
    await removeContainer(container); // it was ended, or started by somebody else, meanwhile
    throw new Error(`session ${session.id} was ended while it was started`);
  }
  await startContainer(container);
  return session.id;
}

/** Ends a session. The controller stops and removes the container and clears the claim: leave containerId alone. */
export async function endSession(id: string): Promise<void> {
  await prisma.session.updateMany({
    where: { id, status: { in: ["ACTIVE", "IDLE"] } },
    data: { status: "TERMINATED" },
  });
}

/** Gives an ended session a new container: status and claim in one UPDATE. The old one is never started again. */
export async function reviveSession(id: string, image: string): Promise<void> {
  const container = await createContainer(image, id);
  const { count } = await prisma.session.updateMany({
    where: { id, status: { in: ["ERROR", "TERMINATED"] } },
    data: { status: "ACTIVE", containerId: container, errorMessage: null },
  });
  if (count === 0) {
    await removeContainer(container);
    throw new Error(`session ${id} has not ended`);
  }
  await startContainer(container);
}

export interface Failure {
  session: string;
  status: string;
  reason: string;
  message: string;
}

/**
 * Calls failed for every session that the controller fails (database.notifyChannel). What happened while nobody listened
 * is only in the rows: read those with status ERROR after every connection.
 */
export async function onSessionError(failed: (f: Failure) => void): Promise<() => Promise<void>> {
  const listener = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await listener.connect();
  listener.on("notification", (n) => failed(JSON.parse(n.payload ?? "{}") as Failure));
  await listener.query("LISTEN session_failed");
  return () => listener.end();
}

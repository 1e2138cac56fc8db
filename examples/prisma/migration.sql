-- What `prisma migrate diff --from-empty --to-schema-datamodel schema.prisma --script` makes of the schema.
CREATE TYPE "SessionStatus" AS ENUM ('ACTIVE', 'IDLE', 'ERROR', 'TERMINATED');

CREATE TABLE "Session" (
    "id" TEXT NOT NULL,
    "status" "SessionStatus" NOT NULL DEFAULT 'ACTIVE',
    "containerId" TEXT,
    "errorMessage" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Session_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "session_controller_claim_Session" ON "Session"("containerId");

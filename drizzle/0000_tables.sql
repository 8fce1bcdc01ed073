CREATE SCHEMA "lovage";
--> statement-breakpoint
CREATE TYPE "lovage"."task_state" AS ENUM('queued', 'running', 'waiting', 'retrying', 'succeeded', 'failed', 'cancelled', 'expired');--> statement-breakpoint
CREATE TABLE "lovage"."api_key" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"name" text NOT NULL,
	"prefix" text NOT NULL,
	"hash" "bytea" NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_key_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "lovage"."definition" (
	"name" text PRIMARY KEY NOT NULL,
	"queue" text NOT NULL,
	"max_attempts" integer NOT NULL,
	"priority" integer NOT NULL,
	"result_ttl_ms" bigint NOT NULL,
	"policy" jsonb NOT NULL,
	"input_schema" jsonb NOT NULL,
	"output_schema" jsonb NOT NULL,
	"version" text NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."queue_control" (
	"queue" text PRIMARY KEY NOT NULL,
	"job_table" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."task" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"name" text NOT NULL,
	"queue" text NOT NULL,
	"state" "lovage"."task_state" DEFAULT 'queued' NOT NULL,
	"priority" integer DEFAULT 0 NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"max_attempts" integer DEFAULT 3 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"crashes" integer DEFAULT 0 NOT NULL,
	"result_ttl_ms" bigint DEFAULT 86400000 NOT NULL,
	"input" jsonb,
	"error" jsonb,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"created_by" text,
	"concurrency_key" text,
	"worker_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"cancel_requested_at" timestamp with time zone,
	"cancel_requested_by" text,
	"cancel_reason" text,
	"events" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."task_event" (
	"task_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"type" text NOT NULL,
	"attempt" integer NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"data" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "task_event_task_id_number_pk" PRIMARY KEY("task_id","number")
);
--> statement-breakpoint
CREATE TABLE "lovage"."task_progress" (
	"task_id" uuid PRIMARY KEY NOT NULL,
	"attempt" integer NOT NULL,
	"current" bigint NOT NULL,
	"total" bigint,
	"message" text,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."task_result" (
	"task_id" uuid PRIMARY KEY NOT NULL,
	"output" jsonb,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."worker" (
	"id" uuid PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"pid" integer NOT NULL,
	"queues" text[] NOT NULL,
	"slots" smallint NOT NULL,
	"version" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"heartbeat_at" timestamp with time zone DEFAULT now() NOT NULL,
	"draining" boolean DEFAULT false NOT NULL,
	"stopped_at" timestamp with time zone,
	"lost_at" timestamp with time zone
);
--> statement-breakpoint
CREATE INDEX "task_name_id" ON "lovage"."task" USING btree ("name","id");--> statement-breakpoint
CREATE INDEX "task_queue_id" ON "lovage"."task" USING btree ("queue","id");--> statement-breakpoint
CREATE INDEX "task_tags" ON "lovage"."task" USING gin ("tags") WHERE "lovage"."task"."tags" <> '{}';
CREATE TABLE "lovage"."audit_log" (
	"id" uuid PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"tenant" text NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"target" text,
	"outcome" text NOT NULL,
	"ip" text,
	"request_id" text,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."batch" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"label" text,
	"size" integer NOT NULL,
	"follow_up" jsonb,
	"follow_up_id" uuid,
	"callback" jsonb,
	"created_by" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"cancel_requested_at" timestamp with time zone,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "lovage"."dedupe_key" (
	"tenant" text NOT NULL,
	"name" text NOT NULL,
	"key" text NOT NULL,
	"task_id" uuid NOT NULL,
	"until" timestamp with time zone,
	CONSTRAINT "dedupe_key_tenant_name_key_pk" PRIMARY KEY("tenant","name","key")
);
--> statement-breakpoint
CREATE TABLE "lovage"."idempotency_key" (
	"tenant" text NOT NULL,
	"actor" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" "bytea" NOT NULL,
	"task_id" uuid,
	"batch_id" uuid,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "idempotency_key_tenant_actor_key_pk" PRIMARY KEY("tenant","actor","key")
);
--> statement-breakpoint
CREATE TABLE "lovage"."schedule" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text DEFAULT 'default' NOT NULL,
	"name" text NOT NULL,
	"task_name" text NOT NULL,
	"input" jsonb,
	"options" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"kind" text NOT NULL,
	"expression" text NOT NULL,
	"time_zone" text DEFAULT 'UTC' NOT NULL,
	"missed" text DEFAULT 'skip' NOT NULL,
	"source" text NOT NULL,
	"next_at" timestamp with time zone,
	"last_at" timestamp with time zone,
	"paused_at" timestamp with time zone,
	"paused_by" text,
	"created_by" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."schedule_run" (
	"schedule_id" uuid NOT NULL,
	"occurrence" timestamp with time zone NOT NULL,
	"task_id" uuid,
	"kind" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "schedule_run_schedule_id_occurrence_kind_pk" PRIMARY KEY("schedule_id","occurrence","kind")
);
--> statement-breakpoint
CREATE TABLE "lovage"."task_callback" (
	"task_id" uuid PRIMARY KEY NOT NULL,
	"url" text NOT NULL,
	"secret" "bytea"
);
--> statement-breakpoint
CREATE TABLE "lovage"."task_end" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "lovage"."task_end_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"task_id" uuid NOT NULL,
	"batch_id" uuid,
	"parent_id" uuid
);
--> statement-breakpoint
CREATE TABLE "lovage"."task_wait" (
	"task_id" uuid PRIMARY KEY NOT NULL,
	"children" uuid[] NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."webhook_delivery" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"endpoint_id" uuid,
	"url" text NOT NULL,
	"secret" "bytea",
	"event" text NOT NULL,
	"task_id" uuid,
	"batch_id" uuid,
	"payload" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"delivered_at" timestamp with time zone,
	"last_status" integer,
	"last_error" text,
	"tries" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."webhook_endpoint" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"url" text NOT NULL,
	"actor" text,
	"events" text[] DEFAULT '{}' NOT NULL,
	"secret" "bytea" NOT NULL,
	"former_secret" "bytea",
	"former_until" timestamp with time zone,
	"disabled_at" timestamp with time zone,
	"disabled_reason" text,
	"created_by" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "lovage"."api_key" ADD COLUMN "created_by" text;--> statement-breakpoint
ALTER TABLE "lovage"."api_key" ADD COLUMN "priority" integer;--> statement-breakpoint
ALTER TABLE "lovage"."api_key" ADD COLUMN "rate_limit" integer;--> statement-breakpoint
ALTER TABLE "lovage"."api_key" ADD COLUMN "rate_period_ms" integer;--> statement-breakpoint
ALTER TABLE "lovage"."api_key" ADD COLUMN "last_used_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lovage"."api_key" ADD COLUMN "replaced_by" uuid;--> statement-breakpoint
ALTER TABLE "lovage"."task" ADD COLUMN "batch_id" uuid;--> statement-breakpoint
ALTER TABLE "lovage"."task" ADD COLUMN "parent_id" uuid;--> statement-breakpoint
ALTER TABLE "lovage"."task" ADD COLUMN "parent_step" text;--> statement-breakpoint
ALTER TABLE "lovage"."task" ADD COLUMN "notifies" boolean DEFAULT false NOT NULL;--> statement-breakpoint
-- In two steps: with a default that changes from row to row, adding the column would rewrite the history.
ALTER TABLE "lovage"."task_event" ADD COLUMN "xid" "xid8";--> statement-breakpoint
ALTER TABLE "lovage"."task_event" ALTER COLUMN "xid" SET DEFAULT pg_current_xact_id();--> statement-breakpoint
CREATE INDEX "audit_log_tenant" ON "lovage"."audit_log" USING btree ("tenant","id");--> statement-breakpoint
CREATE INDEX "batch_tenant" ON "lovage"."batch" USING btree ("tenant","id");--> statement-breakpoint
CREATE INDEX "idempotency_key_expires" ON "lovage"."idempotency_key" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "schedule_name" ON "lovage"."schedule" USING btree ("tenant","name");--> statement-breakpoint
CREATE INDEX "schedule_next" ON "lovage"."schedule" USING btree ("next_at");--> statement-breakpoint
CREATE INDEX "webhook_delivery_tenant" ON "lovage"."webhook_delivery" USING btree ("tenant","id");--> statement-breakpoint
CREATE INDEX "webhook_delivery_task" ON "lovage"."webhook_delivery" USING btree ("task_id");--> statement-breakpoint
CREATE INDEX "webhook_delivery_endpoint" ON "lovage"."webhook_delivery" USING btree ("endpoint_id","id");--> statement-breakpoint
CREATE INDEX "webhook_endpoint_tenant" ON "lovage"."webhook_endpoint" USING btree ("tenant","id");--> statement-breakpoint
CREATE INDEX "task_batch_id" ON "lovage"."task" USING btree ("batch_id","id") WHERE "lovage"."task"."batch_id" IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "task_parent_step" ON "lovage"."task" USING btree ("parent_id","parent_step") WHERE "lovage"."task"."parent_id" IS NOT NULL;
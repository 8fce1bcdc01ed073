CREATE TABLE "lovage"."queue_start" (
	"queue" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"started" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lovage"."server_start" (
	"epoch" text PRIMARY KEY NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "lovage"."definition" ADD COLUMN "soft_limit_ms" integer DEFAULT 240000 NOT NULL;--> statement-breakpoint
ALTER TABLE "lovage"."definition" ADD COLUMN "hard_limit_ms" integer DEFAULT 300000 NOT NULL;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "max_running" integer;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "max_per_key" integer;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "rate_limit" integer;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "rate_period_ms" integer;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "paused_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "paused_by" text;--> statement-breakpoint
ALTER TABLE "lovage"."queue_control" ADD COLUMN "pause_reason" text;--> statement-breakpoint
ALTER TABLE "lovage"."task" ADD COLUMN "soft_limit_ms" integer;--> statement-breakpoint
ALTER TABLE "lovage"."task" ADD COLUMN "hard_limit_ms" integer;--> statement-breakpoint
ALTER TABLE "lovage"."task" ADD COLUMN "cancel_outcome" text;--> statement-breakpoint
ALTER TABLE "lovage"."task" ADD COLUMN "overdue_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "lovage"."worker" ADD COLUMN "tasks" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "lovage"."worker" ADD COLUMN "rss_bytes" bigint;--> statement-breakpoint
ALTER TABLE "lovage"."worker" ADD COLUMN "lease_key" bigint;--> statement-breakpoint
ALTER TABLE "lovage"."worker" ADD COLUMN "lease_epoch" text;--> statement-breakpoint
ALTER TABLE "lovage"."worker" ADD COLUMN "suspect_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "queue_start_at" ON "lovage"."queue_start" USING btree ("queue","at");
CREATE SCHEMA "pack_retros";
--> statement-breakpoint
CREATE TABLE "pack_retros"."analysis_reports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"task_id" uuid NOT NULL,
	"tenant" text NOT NULL,
	"report_date" timestamp with time zone NOT NULL,
	"sprint_ids" jsonb NOT NULL,
	"headline" text NOT NULL,
	"summary" text NOT NULL,
	"report_data" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "analysis_reports_task_id_unique" UNIQUE("task_id")
);
--> statement-breakpoint
CREATE TABLE "pack_retros"."experiments" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pack_retros"."experiments_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"report_id" uuid NOT NULL,
	"tenant" text NOT NULL,
	"position" integer NOT NULL,
	"title" text NOT NULL,
	"description" text NOT NULL,
	"rationale" text NOT NULL,
	"duration_sprints" integer NOT NULL,
	"success_metrics" jsonb NOT NULL,
	"implementation_steps" jsonb NOT NULL,
	"expected_outcome" text NOT NULL,
	"status" text DEFAULT 'suggested' NOT NULL,
	"actual_outcome" text,
	"results_data" jsonb,
	"was_successful" boolean,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "experiments_of_report" UNIQUE("report_id","position"),
	CONSTRAINT "experiments_status" CHECK ("pack_retros"."experiments"."status" IN ('suggested', 'in_progress', 'completed', 'abandoned'))
);
--> statement-breakpoint
CREATE TABLE "pack_retros"."hypotheses" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pack_retros"."hypotheses_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"report_id" uuid NOT NULL,
	"tenant" text NOT NULL,
	"position" integer NOT NULL,
	"title" text NOT NULL,
	"description" text NOT NULL,
	"confidence" text NOT NULL,
	"confidence_score" real NOT NULL,
	"evidence" jsonb NOT NULL,
	"potential_impact" text NOT NULL,
	"affected_metrics" jsonb NOT NULL,
	CONSTRAINT "hypotheses_of_report" UNIQUE("report_id","position"),
	CONSTRAINT "hypotheses_score" CHECK ("pack_retros"."hypotheses"."confidence_score" BETWEEN 0 AND 1)
);
--> statement-breakpoint
CREATE TABLE "pack_retros"."metrics_snapshots" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "pack_retros"."metrics_snapshots_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"tenant" text NOT NULL,
	"sprint_id" text NOT NULL,
	"sprint_name" text NOT NULL,
	"start_date" date NOT NULL,
	"end_date" date NOT NULL,
	"metrics_data" jsonb NOT NULL,
	"fetched_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "metrics_snapshots_sprint" UNIQUE("tenant","sprint_id")
);
--> statement-breakpoint
ALTER TABLE "pack_retros"."experiments" ADD CONSTRAINT "experiments_report_id_analysis_reports_id_fk" FOREIGN KEY ("report_id") REFERENCES "pack_retros"."analysis_reports"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pack_retros"."hypotheses" ADD CONSTRAINT "hypotheses_report_id_analysis_reports_id_fk" FOREIGN KEY ("report_id") REFERENCES "pack_retros"."analysis_reports"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "analysis_reports_latest" ON "pack_retros"."analysis_reports" USING btree ("tenant","report_date","id");--> statement-breakpoint
CREATE INDEX "metrics_snapshots_latest" ON "pack_retros"."metrics_snapshots" USING btree ("tenant","end_date","start_date","sprint_id");
CREATE TABLE "pack_visuals"."cost_breakdowns" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"patient_id" uuid,
	"procedure_id" text NOT NULL,
	"procedure_name" text NOT NULL,
	"region" text NOT NULL,
	"fees" jsonb NOT NULL,
	"total_cost" integer NOT NULL,
	"total_min" integer NOT NULL,
	"total_max" integer NOT NULL,
	"coverage" jsonb NOT NULL,
	"payment_plans" jsonb NOT NULL,
	"assumptions" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "cost_breakdowns_total" CHECK ("pack_visuals"."cost_breakdowns"."total_cost" >= 0)
);
--> statement-breakpoint
CREATE TABLE "pack_visuals"."cost_infographics" (
	"cost_id" uuid NOT NULL,
	"format" text NOT NULL,
	"tenant" text NOT NULL,
	"file_key" text NOT NULL,
	"task_id" uuid NOT NULL,
	"drawn_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "cost_infographics_cost_id_format_pk" PRIMARY KEY("cost_id","format")
);
--> statement-breakpoint
CREATE TABLE "pack_visuals"."exports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"patient_id" uuid NOT NULL,
	"format" text NOT NULL,
	"shareable" boolean NOT NULL,
	"file_key" text NOT NULL,
	"size_bytes" integer NOT NULL,
	"created_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "pack_visuals"."cost_breakdowns" ADD CONSTRAINT "cost_breakdowns_patient_id_patient_profiles_id_fk" FOREIGN KEY ("patient_id") REFERENCES "pack_visuals"."patient_profiles"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pack_visuals"."cost_breakdowns" ADD CONSTRAINT "cost_breakdowns_procedure_id_procedures_id_fk" FOREIGN KEY ("procedure_id") REFERENCES "pack_visuals"."procedures"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pack_visuals"."cost_infographics" ADD CONSTRAINT "cost_infographics_cost_id_cost_breakdowns_id_fk" FOREIGN KEY ("cost_id") REFERENCES "pack_visuals"."cost_breakdowns"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pack_visuals"."exports" ADD CONSTRAINT "exports_patient_id_patient_profiles_id_fk" FOREIGN KEY ("patient_id") REFERENCES "pack_visuals"."patient_profiles"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "cost_breakdowns_of_patient" ON "pack_visuals"."cost_breakdowns" USING btree ("patient_id","created_at");--> statement-breakpoint
CREATE INDEX "exports_of_patient" ON "pack_visuals"."exports" USING btree ("patient_id","created_at");
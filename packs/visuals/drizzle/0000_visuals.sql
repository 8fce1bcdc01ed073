CREATE SCHEMA "pack_visuals";
--> statement-breakpoint
CREATE TABLE "pack_visuals"."artefact_uses" (
	"key" text NOT NULL,
	"tenant" text NOT NULL,
	"owner" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "artefact_uses_key_owner_pk" PRIMARY KEY("key","owner")
);
--> statement-breakpoint
CREATE TABLE "pack_visuals"."artefacts" (
	"key" text PRIMARY KEY NOT NULL,
	"bytes" integer NOT NULL,
	"put_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pack_visuals"."images" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"file_key" text NOT NULL,
	"format" text NOT NULL,
	"width" integer NOT NULL,
	"height" integer NOT NULL,
	"size_bytes" integer NOT NULL,
	"uploaded_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pack_visuals"."patient_profiles" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"name" text NOT NULL,
	"date_of_birth" date NOT NULL,
	"location" jsonb NOT NULL,
	"insurance" jsonb NOT NULL,
	"policy_number" "bytea" NOT NULL,
	"medical_history" "bytea",
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pack_visuals"."comparisons" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"task_id" uuid NOT NULL,
	"source_image_id" uuid NOT NULL,
	"patient_id" uuid,
	"procedures" jsonb NOT NULL,
	"cost_differences" jsonb NOT NULL,
	"recovery_differences" jsonb NOT NULL,
	"risk_differences" jsonb NOT NULL,
	"metadata" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pack_visuals"."visualizations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"task_id" uuid NOT NULL,
	"image_id" uuid NOT NULL,
	"patient_id" uuid,
	"procedure_id" text NOT NULL,
	"procedure_name" text NOT NULL,
	"before_key" text NOT NULL,
	"after_key" text NOT NULL,
	"sheet_key" text,
	"prompt_used" text NOT NULL,
	"confidence_score" double precision NOT NULL,
	"metadata" jsonb NOT NULL,
	"generated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "visualizations_confidence" CHECK ("pack_visuals"."visualizations"."confidence_score" BETWEEN 0 AND 1)
);
--> statement-breakpoint
CREATE TABLE "pack_visuals"."procedures" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"category" text NOT NULL,
	"description" text NOT NULL,
	"typical_cost_min" integer NOT NULL,
	"typical_cost_max" integer NOT NULL,
	"recovery_days" integer NOT NULL,
	"risk_level" text NOT NULL,
	"body_region" text NOT NULL,
	"change" text NOT NULL,
	CONSTRAINT "procedures_name_unique" UNIQUE("name"),
	CONSTRAINT "procedures_costs" CHECK ("pack_visuals"."procedures"."typical_cost_min" >= 0 AND "pack_visuals"."procedures"."typical_cost_max" >= "pack_visuals"."procedures"."typical_cost_min"),
	CONSTRAINT "procedures_risk" CHECK ("pack_visuals"."procedures"."risk_level" IN ('low', 'medium', 'high')),
	CONSTRAINT "procedures_recovery" CHECK ("pack_visuals"."procedures"."recovery_days" >= 0)
);
--> statement-breakpoint
ALTER TABLE "pack_visuals"."artefact_uses" ADD CONSTRAINT "artefact_uses_key_artefacts_key_fk" FOREIGN KEY ("key") REFERENCES "pack_visuals"."artefacts"("key") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pack_visuals"."comparisons" ADD CONSTRAINT "comparisons_source_image_id_images_id_fk" FOREIGN KEY ("source_image_id") REFERENCES "pack_visuals"."images"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pack_visuals"."comparisons" ADD CONSTRAINT "comparisons_patient_id_patient_profiles_id_fk" FOREIGN KEY ("patient_id") REFERENCES "pack_visuals"."patient_profiles"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pack_visuals"."visualizations" ADD CONSTRAINT "visualizations_image_id_images_id_fk" FOREIGN KEY ("image_id") REFERENCES "pack_visuals"."images"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pack_visuals"."visualizations" ADD CONSTRAINT "visualizations_patient_id_patient_profiles_id_fk" FOREIGN KEY ("patient_id") REFERENCES "pack_visuals"."patient_profiles"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pack_visuals"."visualizations" ADD CONSTRAINT "visualizations_procedure_id_procedures_id_fk" FOREIGN KEY ("procedure_id") REFERENCES "pack_visuals"."procedures"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "artefact_uses_expiry" ON "pack_visuals"."artefact_uses" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "images_of_tenant" ON "pack_visuals"."images" USING btree ("tenant","uploaded_at");--> statement-breakpoint
CREATE INDEX "comparisons_of_patient" ON "pack_visuals"."comparisons" USING btree ("patient_id","created_at");--> statement-breakpoint
CREATE INDEX "visualizations_of_patient" ON "pack_visuals"."visualizations" USING btree ("patient_id","generated_at");
--> statement-breakpoint
INSERT INTO "pack_visuals"."procedures"
	("id", "name", "category", "description", "typical_cost_min", "typical_cost_max", "recovery_days", "risk_level", "body_region", "change")
VALUES
	('rhinoplasty', 'Rhinoplasty', 'facial', 'Reshapes bone and cartilage of the nose.', 6000, 15000, 14, 'medium', 'nose', 'a slightly narrower nose with a straighter bridge'),
	('blepharoplasty', 'Eyelid surgery', 'facial', 'Removes loose skin and fat from the eyelids.', 4000, 8000, 10, 'low', 'eyes', 'firmer upper and lower eyelids, the eyes a little more open'),
	('brow-lift', 'Brow lift', 'facial', 'Raises the brows and smooths the forehead.', 5000, 10000, 12, 'medium', 'brow', 'brows raised by a few millimetres and a smoother forehead'),
	('lip-augmentation', 'Lip augmentation', 'facial', 'Adds volume to the lips with filler or grafted fat.', 800, 4000, 4, 'low', 'lips', 'slightly fuller lips with a clearer outline'),
	('chin-augmentation', 'Chin augmentation', 'facial', 'Brings the chin forward with an implant.', 4000, 9000, 12, 'medium', 'chin', 'a chin that is a little more pronounced'),
	('cheek-augmentation', 'Cheek augmentation', 'facial', 'Adds volume over the cheekbones.', 3500, 8000, 10, 'medium', 'cheeks', 'slightly fuller cheeks over the cheekbones'),
	('facelift', 'Facelift', 'facial', 'Tightens skin and deeper tissue of the lower face.', 12000, 25000, 21, 'high', 'lower_face', 'a firmer lower face with softer folds beside the mouth'),
	('jaw-contouring', 'Jaw contouring', 'reconstructive', 'Reshapes the angles of the lower jaw.', 9000, 18000, 28, 'high', 'jaw', 'a slimmer line of the jaw'),
	('neck-lift', 'Neck lift', 'facial', 'Tightens skin and muscle under the chin.', 6000, 12000, 14, 'medium', 'neck', 'a firmer neck with a clearer angle under the chin'),
	('otoplasty', 'Otoplasty', 'reconstructive', 'Sets protruding ears closer to the head.', 3500, 7500, 7, 'low', 'ears', 'ears that lie closer to the head'),
	('hair-transplant', 'Hair transplant', 'restorative', 'Moves follicles to a receding hairline.', 5000, 16000, 10, 'low', 'hairline', 'a fuller and slightly lower hairline'),
	('skin-resurfacing', 'Laser skin resurfacing', 'skin', 'Evens tone and texture of the face with a laser.', 1500, 5000, 7, 'low', 'face', 'a more even tone and a finer texture of the skin');

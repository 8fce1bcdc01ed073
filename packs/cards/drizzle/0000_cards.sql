CREATE SCHEMA "pack_cards";
--> statement-breakpoint
CREATE TABLE "pack_cards"."anki_media" (
	"tenant" text NOT NULL,
	"hash" text NOT NULL,
	"name" text NOT NULL,
	"mime" text NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "anki_media_tenant_hash_pk" PRIMARY KEY("tenant","hash")
);
--> statement-breakpoint
CREATE TABLE "pack_cards"."anki_notes" (
	"tenant" text NOT NULL,
	"guid" text NOT NULL,
	"id" bigint,
	"card_id" bigint,
	"fields" jsonb NOT NULL,
	"media" text[] DEFAULT '{}' NOT NULL,
	"warnings" text[] DEFAULT '{}' NOT NULL,
	"task_id" uuid NOT NULL,
	"step" smallint DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"synced_at" timestamp with time zone,
	CONSTRAINT "anki_notes_tenant_guid_pk" PRIMARY KEY("tenant","guid"),
	CONSTRAINT "anki_notes_id" UNIQUE("tenant","id"),
	CONSTRAINT "anki_notes_ids" CHECK (("pack_cards"."anki_notes"."id" IS NULL) = ("pack_cards"."anki_notes"."card_id" IS NULL)),
	CONSTRAINT "anki_notes_step" CHECK ("pack_cards"."anki_notes"."step" BETWEEN 0 AND 5 AND ("pack_cards"."anki_notes"."step" < 4 OR "pack_cards"."anki_notes"."id" IS NOT NULL))
);
--> statement-breakpoint
CREATE INDEX "anki_notes_unfinished" ON "pack_cards"."anki_notes" USING btree ("tenant","created_at") WHERE "pack_cards"."anki_notes"."id" IS NULL;
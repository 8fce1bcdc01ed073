CREATE SCHEMA "pack_filings";
--> statement-breakpoint
CREATE TABLE "pack_filings"."chunk" (
	"id" text PRIMARY KEY NOT NULL,
	"ticker" text NOT NULL,
	"year" integer NOT NULL,
	"index" integer NOT NULL,
	"factor" text,
	"section" text,
	"text" text NOT NULL,
	"terms" text[] NOT NULL,
	"weights" real[] NOT NULL,
	"category" text NOT NULL,
	"category_confidence" real NOT NULL,
	"classification_method" text NOT NULL,
	"words" "tsvector" GENERATED ALWAYS AS (to_tsvector('english', "text")) STORED
);
--> statement-breakpoint
CREATE TABLE "pack_filings"."filing" (
	"ticker" text NOT NULL,
	"year" integer NOT NULL,
	"checksum" text NOT NULL,
	"item1a" text NOT NULL,
	"item1a_found" boolean NOT NULL,
	"risks" jsonb,
	"task_id" uuid NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "filing_ticker_year_pk" PRIMARY KEY("ticker","year")
);
--> statement-breakpoint
CREATE TABLE "pack_filings"."market_cap" (
	"ticker" text PRIMARY KEY NOT NULL,
	"value" double precision NOT NULL
);
--> statement-breakpoint
CREATE INDEX "chunk_of_filing" ON "pack_filings"."chunk" USING btree ("ticker","year","index");--> statement-breakpoint
CREATE INDEX "chunk_words" ON "pack_filings"."chunk" USING gin ("words");
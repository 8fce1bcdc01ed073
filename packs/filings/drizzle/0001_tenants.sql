ALTER TABLE "pack_filings"."filing" ADD COLUMN "tenant" text DEFAULT 'default' NOT NULL;--> statement-breakpoint
ALTER TABLE "pack_filings"."filing" DROP CONSTRAINT "filing_ticker_year_pk";--> statement-breakpoint
ALTER TABLE "pack_filings"."filing" ADD CONSTRAINT "filing_tenant_ticker_year_pk" PRIMARY KEY("tenant","ticker","year");--> statement-breakpoint
ALTER TABLE "pack_filings"."chunk" ADD COLUMN "tenant" text DEFAULT 'default' NOT NULL;--> statement-breakpoint
ALTER TABLE "pack_filings"."chunk" ADD COLUMN "embedding" real[];--> statement-breakpoint
ALTER TABLE "pack_filings"."chunk" ADD COLUMN "embedding_model" text;--> statement-breakpoint
ALTER TABLE "pack_filings"."chunk" DROP CONSTRAINT "chunk_pkey";--> statement-breakpoint
ALTER TABLE "pack_filings"."chunk" ADD CONSTRAINT "chunk_tenant_id_pk" PRIMARY KEY("tenant","id");--> statement-breakpoint
DROP INDEX "pack_filings"."chunk_of_filing";--> statement-breakpoint
CREATE INDEX "chunk_of_filing" ON "pack_filings"."chunk" USING btree ("tenant","ticker","year","index");--> statement-breakpoint
ALTER TABLE "pack_filings"."market_cap" ADD COLUMN "tenant" text DEFAULT 'default' NOT NULL;--> statement-breakpoint
ALTER TABLE "pack_filings"."market_cap" ADD COLUMN "updated_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "pack_filings"."market_cap" DROP CONSTRAINT "market_cap_pkey";--> statement-breakpoint
ALTER TABLE "pack_filings"."market_cap" ADD CONSTRAINT "market_cap_tenant_ticker_pk" PRIMARY KEY("tenant","ticker");

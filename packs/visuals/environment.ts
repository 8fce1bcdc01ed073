import { z } from 'zod';

const wholeNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** Everything that visuals read from the environment. */
export const environment = z
  .object({
    LOVAGE_DATA_DIR: z.string().default('.lovage'),
    VISUALS_STORE_DIR: z.string().optional(),
    /** With the bucket in it: `https://s3.eu-central-1.amazonaws.com/previews`. */
    VISUALS_S3_URL: httpUrl.optional(),
    VISUALS_S3_REGION: z.string().default('us-east-1'),
    VISUALS_S3_ACCESS_KEY_ID: z.string().optional(),
    VISUALS_S3_SECRET_ACCESS_KEY: z.string().optional(),
    VISUALS_KEEP_DAYS: wholeNumber(1, 3650).default(30),
    VISUALS_LINK_MINUTES: wholeNumber(1, 7 * 24 * 60).default(60),
    VISUALS_OPEN_TASKS: z.enum(['0', '1', 'false', 'true']).optional(),
    GEMINI_API_KEY: z.string().optional(),
    NANO_BANANA_API_KEY: z.string().optional(),
    GEMINI_URL: httpUrl.default('https://generativelanguage.googleapis.com'),
    FREEPIK_API_KEY: z.string().optional(),
    FREEPIK_URL: httpUrl.default('https://api.freepik.com'),
  })
  .refine(
    (given) =>
      given.VISUALS_S3_URL === undefined ||
      (given.VISUALS_S3_ACCESS_KEY_ID !== undefined && given.VISUALS_S3_SECRET_ACCESS_KEY !== undefined),
    {
      path: ['VISUALS_S3_URL'],
      message: 'needs VISUALS_S3_ACCESS_KEY_ID and VISUALS_S3_SECRET_ACCESS_KEY as well',
    },
  );

export type Environment = z.output<typeof environment>;

/** An empty variable counts as unset. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  return environment.parse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
}

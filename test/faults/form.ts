/** The short form leaves out what only waits long, and repeats less: for every change. The whole one is for releases. */
export const isShort = process.env['LOVAGE_FAULTS'] === 'short';

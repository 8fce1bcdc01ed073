/** Okabe and Ito's colours, which differ for colour-blind eyes too; those below reach 3:1 on white. */
export const palette = {
  blue: '#0072b2',
  vermilion: '#d55e00',
  green: '#008a64',
} as const;

/** All 4.5:1 and more on white and on the panel's ground. */
export const ink = { strong: '#15202b', soft: '#4a5865' } as const;

export const ground = { page: '#ffffff', panel: '#f3f6f9', line: '#c9d2da', faint: '#e4eaf0' } as const;

export * from './artefacts.ts';
export * from './costs.ts';
export * from './exports.ts';
export * from './images.ts';
export * from './pack-schema.ts';
export * from './patients.ts';
export * from './previews.ts';
export * from './procedures.ts';

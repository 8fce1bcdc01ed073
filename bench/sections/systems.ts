import type { Section } from '../bench.ts';
import { measureScaling } from '../systems/scaling.ts';
import { measureSubmissions } from '../systems/submissions.ts';
import { measureWork } from '../systems/work.ts';

export const systems: Section = {
  name: 'systems',
  title: 'The four systems: how soon they answer, and how long their work takes',
  async run(bench) {
    return [
      ...(await measureSubmissions(bench)),
      ...(await measureWork(bench)),
      ...(await measureScaling(bench)),
    ];
  },
};

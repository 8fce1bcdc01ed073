import { resource, type DialectRoute } from 'lovage';
import { createProfile, profileBody, renderProfile } from '../patients/profile.ts';
import { findOwned } from '../rows/find-owned.ts';
import { patientProfiles } from '../schema/index.ts';
import { refuseMissing } from './errors.ts';

export const patientRoutes: readonly DialectRoute[] = [
  resource({
    method: 'post',
    path: '/api/profiles',
    summary: 'Store a patient; policy number and history are encrypted',
    kind: 'resource',
    body: profileBody,
    async reply({ db, tenant, vault, body }) {
      const row = await createProfile(db, { tenant, vault }, body);
      return { status: 201, body: renderProfile(row, vault) };
    },
  }),
  resource({
    method: 'get',
    path: '/api/profiles/{id}',
    summary: 'A patient',
    kind: 'resource',
    async reply({ db, tenant, vault, params }) {
      const found = await findOwned(db, patientProfiles, { id: params['id'] ?? '', tenant });
      if ('missing' in found) return refuseMissing('Profile', found.missing);
      return { status: 200, body: renderProfile(found.row, vault) };
    },
  }),
];

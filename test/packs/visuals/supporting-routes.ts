import { expect, test } from 'vitest';
import type { PackLab } from '../pack-lab.ts';
import { origin, upload, type Detail, type Image, type Visualization } from './client.ts';
import { drawFace, FACES } from './draw-face.ts';
import { makeBomb } from './photos.ts';

/** What is open when the tests run. */
export interface Contract {
  lab: () => PackLab;
  prefix: () => string;
  image: () => Image;
}

/** The routes that serve the others: images, patients, procedures. */
export function testSupportingRoutes({ lab, prefix, image }: Contract): void {
  test('an upload answers with what was stored, and can be asked for again', async () => {
    expect(image()).toMatchObject({
      width: 400,
      height: 500,
      format: 'JPEG',
      size_bytes: expect.any(Number),
    });
    const { body } = await lab().call<Image>(prefix(), `/api/images/${image().id}`);
    const picture = await fetch(`${origin(prefix())}${body.url}`);
    expect((await picture.arrayBuffer()).byteLength).toBe(image().size_bytes);
  });

  test('a bad upload is 400 with the reason, and nothing of it is kept', async () => {
    const rows = async () => (await lab().lab.sql('SELECT key FROM pack_visuals.artefacts')).length;
    const before = await rows();
    const photo = await drawFace(FACES.b);
    const bad: [Uint8Array, string][] = [
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image/png'],
      [photo, 'image/png'],
      [photo.subarray(0, 20_000), 'image/jpeg'],
      [await makeBomb(), 'image/png'],
      [Buffer.concat([photo, Buffer.alloc(10 * 1024 * 1024)]), 'image/jpeg'],
    ];
    for (const [bytes, type] of bad) {
      const refused = await upload<Detail>(lab(), prefix(), bytes, { type });
      expect(refused).toMatchObject({ status: 400, body: { detail: expect.any(String) } });
    }
    const noFile = new FormData();
    noFile.append('other', 'field');
    expect((await lab().call(prefix(), '/api/images/upload', { body: noFile })).status).toBe(400);
    expect((await lab().call(prefix(), '/api/images/upload', { body: {} })).status).toBe(400);
    expect(await rows()).toBe(before);
  });

  test('a patient’s policy number and history come back, and are nowhere in the clear in the table', async () => {
    const body = {
      name: 'Sample Patient',
      date_of_birth: '1990-02-03',
      location: { zip_code: '94110', city: 'San Francisco', state: 'CA' },
      insurance_info: { provider: 'Sample Health', policy_number: 'POLICY-12345' },
      medical_history: 'allergic to latex',
    };
    const made = await lab().call<{ id: string }>(prefix(), '/api/profiles', { body });
    expect(made).toMatchObject({ status: 201, body: { version: 1, ...body } });
    const read = await lab().call(prefix(), `/api/profiles/${made.body.id}`);
    expect(read.body).toEqual(made.body);
    const rows = await lab().lab.sql(
      'SELECT row_to_json(p)::text AS text FROM pack_visuals.patient_profiles AS p',
    );
    const stored = String(rows[0]?.['text']);
    expect(stored).toContain('Sample Health');
    expect(Buffer.from(stored).includes('12345') || stored.includes('latex')).toBe(false);
    const hex = [/12345/, /latex/].map(({ source }) => Buffer.from(source).toString('hex'));
    expect(hex.some((text) => stored.includes(text))).toBe(false);

    const wrong = await lab().call<Detail>(prefix(), '/api/profiles', {
      body: { ...body, date_of_birth: 'once' },
    });
    expect(wrong).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'date_of_birth'] }] } });
    const key = await lab().keyFor(['read'], 'elsewhere');
    expect((await lab().call(prefix(), `/api/profiles/${made.body.id}`, { key })).status).toBe(403);
    const shown = await lab().call<Visualization>(prefix(), '/api/visualizations', {
      body: { image_id: image().id, procedure_id: 'facelift', patient_id: made.body.id },
    });
    expect(shown.body.patient_id).toBe(made.body.id);
  });

  test('twelve procedures are there from the start', async () => {
    const { body } = await lab().call<{ procedures: { id: string; category: string }[]; total: number }>(
      prefix(),
      '/api/procedures',
    );
    expect(body.total).toBe(12);
    const { body: some } = await lab().call<typeof body>(prefix(), '/api/procedures?category=reconstructive');
    expect(some.procedures.map(({ id }) => id).toSorted()).toEqual(['jaw-contouring', 'otoplasty']);
    expect((await lab().call(prefix(), '/api/procedures/rhinoplasty')).body).toMatchObject({
      typical_cost_min: 6000,
      typical_cost_max: 15_000,
      risk_level: 'medium',
      body_region: 'nose',
    });
  });
}

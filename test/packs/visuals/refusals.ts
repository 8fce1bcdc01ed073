import { describe, expect, test } from 'vitest';
import { follow, type Accepted, type Detail, type Visualization } from './client.ts';
import type { Contract } from './supporting-routes.ts';

export const NOBODY = '00000000-0000-4000-8000-000000000000';

/** What is missing, somebody else's, or does not fit. */
export function testRefusals({ lab, prefix, image }: Contract): void {
  const preview = <Body = Visualization>(body: object, query = '', key?: string) =>
    lab().call<Body>(prefix(), `/api/visualizations${query}`, { body, ...(key !== undefined && { key }) });

  describe('what is not there, or is somebody else’s', () => {
    test.each([
      ['an unknown task', `/api/tasks/${NOBODY}/status`],
      ['the result of an unknown task', `/api/tasks/${NOBODY}/result`],
      ['an id that is none', '/api/tasks/nothing/status'],
      ['a preview', `/api/visualizations/${NOBODY}`],
      ['a comparison', `/api/visualizations/comparisons/${NOBODY}`],
      ['an image', '/api/images/nothing'],
      ['a profile', `/api/profiles/${NOBODY}`],
      ['a procedure', '/api/procedures/nothing'],
      ['a file', `/api/files/${'0'.repeat(64)}.png`],
      ['a file outside', '/api/files/..%2f..%2fetc%2fpasswd'],
    ])('%s is 404 with a detail', async (_what, path) => {
      const { status, body } = await lab().call<Detail>(prefix(), path);
      expect({ status, body }).toEqual({ status: 404, body: { detail: expect.any(String) } });
    });

    test('a preview is 404 for an unknown image, procedure or patient, and leaves no task', async () => {
      const count = async () => (await lab().lab.sql('SELECT id FROM lovage.task')).length;
      const before = await count();
      for (const change of [{ image_id: NOBODY }, { procedure_id: 'nothing' }, { patient_id: NOBODY }]) {
        const refused = await preview<Detail>({
          image_id: image().id,
          procedure_id: 'rhinoplasty',
          ...change,
        });
        expect(refused).toMatchObject({ status: 404, body: { detail: expect.any(String) } });
      }
      expect(await count()).toBe(before);
    });

    test('another tenant is refused 403 for rows, 404 for tasks and files', async () => {
      const key = await lab().keyFor(['read', 'enqueue', 'cancel'], 'elsewhere');
      const { body } = await preview({ image_id: image().id, procedure_id: 'facelift' });
      for (const path of [`/api/images/${image().id}`, `/api/visualizations/${body.id}`]) {
        const refused = await lab().call<Detail>(prefix(), path, { key });
        expect(refused).toMatchObject({ status: 403, body: { detail: expect.any(String) } });
      }
      const used = await preview<Detail>({ image_id: image().id, procedure_id: 'facelift' }, '', key);
      expect(used.status).toBe(403);
      const file = new URL(body.before_image_url, prefix()).pathname.replace('/visuals', '');
      expect((await lab().call(prefix(), file, { key })).status).toBe(404);
      expect((await lab().call(prefix(), file)).status).toBe(200);
      const accepted = await preview<Accepted>(
        { image_id: image().id, procedure_id: 'facelift' },
        '?async_processing=true',
      );
      const path = `/api/tasks/${accepted.body.task_id}/status`;
      expect((await lab().call(prefix(), path, { key })).status).toBe(404);
      await follow(lab(), prefix(), accepted.body.task_id);
    });
  });

  test.each([
    ['no image', {}, ['body', 'image_id']],
    ['an image that is no text', { image_id: 7 }, ['body', 'image_id']],
  ])('%s is 422 with loc, msg and type', async (_what, change, loc) => {
    const { status, body } = await preview<{ detail: unknown[] }>({ procedure_id: 'rhinoplasty', ...change });
    expect(status).toBe(422);
    expect(body.detail).toContainEqual({ loc, msg: expect.any(String), type: expect.any(String) });
  });

  test('a comparison of one procedure, or of one with itself, is 422', async () => {
    for (const procedure_ids of [['rhinoplasty'], ['rhinoplasty', 'rhinoplasty']]) {
      const body = { source_image_id: image().id, procedure_ids };
      const refused = await lab().call<Detail>(prefix(), '/api/visualizations/compare', { body });
      expect(refused).toMatchObject({
        status: 422,
        body: { detail: [{ loc: ['body', 'procedure_ids'] }] },
      });
    }
    expect(
      (await preview({ image_id: image().id, procedure_id: 'x' }, '?async_processing=maybe')).status,
    ).toBe(422);
  });
}

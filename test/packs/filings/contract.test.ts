import { openClient } from './contract/client.ts';
import { testMounts } from './contract/mounts.ts';
import { testRefusals } from './contract/refusals.ts';
import { testStates } from './contract/states.ts';
import { testWork } from './contract/work.ts';

const client = openClient();

testMounts(client);
testStates(client);
testWork(client);
testRefusals(client);

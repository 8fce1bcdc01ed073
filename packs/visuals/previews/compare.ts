import type { Procedure } from '../procedures/find.ts';
import { RISK_LEVELS, type ComparedProcedure } from '../schema/index.ts';
import type { Visualization } from './make-preview.ts';

/** What a procedure costs as a rule: the middle of its typical range. */
export const midpointOf = ({ typicalCostMin, typicalCostMax }: Procedure): number =>
  (typicalCostMin + typicalCostMax) / 2;

export const describeProcedure = (preview: Visualization, procedure: Procedure): ComparedProcedure => ({
  procedure_id: procedure.id,
  procedure_name: procedure.name,
  visualization_id: preview.id,
  before_key: preview.beforeKey,
  after_key: preview.afterKey,
  cost: midpointOf(procedure),
  recovery_days: procedure.recoveryDays,
  risk_level: procedure.riskLevel,
});

/** Of every two procedures, in the order given, keyed `X_vs_Y` by name. */
export function findDifferences(procedures: readonly ComparedProcedure[]) {
  const pairs = procedures.flatMap((one, at) =>
    procedures.slice(at + 1).map((other) => [one, other] as const),
  );
  const byPair = <Value>(difference: (one: ComparedProcedure, other: ComparedProcedure) => Value) =>
    Object.fromEntries(
      pairs.map(([one, other]) => [
        `${one.procedure_name}_vs_${other.procedure_name}`,
        difference(one, other),
      ]),
    );
  return {
    costDifferences: byPair((one, other) => Math.abs(one.cost - other.cost)),
    recoveryDifferences: byPair((one, other) => Math.abs(one.recovery_days - other.recovery_days)),
    riskDifferences: byPair(compareRisks),
  };
}

function compareRisks(one: ComparedProcedure, other: ComparedProcedure): string {
  if (one.risk_level === other.risk_level) return `Both have a ${one.risk_level} risk`;
  const isHigher = RISK_LEVELS.indexOf(one.risk_level) > RISK_LEVELS.indexOf(other.risk_level);
  const [higher, lower] = isHigher ? [one, other] : [other, one];
  return `${higher.procedure_name} has the higher risk (${higher.risk_level}, against ${lower.risk_level})`;
}

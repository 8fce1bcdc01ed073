import type { z } from 'zod';

type JsonValue = z.core.util.JSONType;

/** A value after its way through JSON: dates are strings, functions are gone. What is JSON already stays as it is. */
export type Json<Value> = Value extends JsonValue | undefined
  ? Value
  : Value extends { toJSON(): infer Plain }
    ? Json<Plain>
    : Value extends object
      ? { [Key in keyof Value]: Json<Value[Key]> }
      : Value;

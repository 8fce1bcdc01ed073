/** What comes back of a task that was accepted: not its input, which may be megabytes. */
export interface AcceptedRow {
  id: string;
  name: string;
  queue: string;
  state: string;
  priority: number;
  attempt: number;
  max_attempts: number;
  soft_limit_ms: number | null;
  hard_limit_ms: number | null;
  concurrency_key: string | null;
  tags: string[];
  created_by: string | null;
  created_at: Date;
  due_at: Date;
  batch_id: string | null;
  parent_id: string | null;
  parent_step: string | null;
}

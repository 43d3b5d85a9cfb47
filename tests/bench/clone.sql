-- SPDX-License-Identifier: GPL-3.0-or-later
-- A store with one run becomes one with a thousand: each with settings, metrics, checkpoints and events;
-- the weights themselves are shared.
PRAGMA foreign_keys=OFF;
BEGIN;
CREATE TEMP TABLE n(k INTEGER PRIMARY KEY);
INSERT INTO n WITH RECURSIVE c(k) AS (VALUES(1) UNION ALL SELECT k+1 FROM c WHERE k<999) SELECT k FROM c;
CREATE TEMP TABLE last AS SELECT max(checkpoint_id) AS checkpoint, (SELECT max(tensor_id) FROM tensor) AS tensor
	FROM checkpoint;
INSERT INTO run SELECT 1+n.k, randomblob(16), printf('%08x', 0x10000000+n.k*7919), parent_id, parent_step,
	name||'-'||n.k, note, task, cell, hidden, layers, embed, parameters, spec, seed, threads, status, message,
	created_ms+n.k*1000, started_ms, ended_ms, heartbeat_ms, deleted_ms, since_ms, active_ms, step, epoch_u,
	best_step, best_epoch_u, best_loss, best_accuracy, host, boot, pid, pid_start, machine, build, version, command
	FROM n, run WHERE run_id=1;
INSERT INTO param SELECT 1+n.k, name, value, num FROM n, param WHERE run_id=1;
INSERT INTO dataset SELECT 1+n.k, role, name, sha256, bytes, rows FROM n, dataset WHERE run_id=1;
INSERT INTO metric SELECT 1+n.k, key_id, step, value, epoch_u, after_ms FROM n, metric WHERE run_id=1;
INSERT INTO metric_summary SELECT 1+n.k, key_id, n, n_nan, n_nonfinite, first_nonfinite_step, last_step,
	last_epoch_u, last_value, min_step, min_epoch_u, min_value, max_step, max_epoch_u, max_value
	FROM n AS n, metric_summary WHERE run_id=1;
INSERT INTO checkpoint SELECT checkpoint_id+n.k*last.checkpoint, 1+n.k, step, epoch_u, kind, t_ms
	FROM n, last, checkpoint WHERE run_id=1;
INSERT INTO tensor SELECT tensor_id+n.k*last.tensor, checkpoint_id+n.k*last.checkpoint, name, role, dtype, shape,
	bytes, sha256 FROM n, last, tensor WHERE tensor_id<=last.tensor;
INSERT INTO tensor_chunk SELECT tensor_id+n.k*last.tensor, seq, chunk_id FROM n, last, tensor_chunk
	WHERE tensor_id<=last.tensor;
INSERT INTO run_vocab SELECT 1+n.k, role, vocab_id FROM n, run_vocab WHERE run_id=1;
INSERT INTO event SELECT NULL, 1+n.k, t_ms, level, kind, message FROM n, event WHERE run_id=1;
COMMIT;

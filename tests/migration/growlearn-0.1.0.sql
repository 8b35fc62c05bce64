BEGIN TRANSACTION;
CREATE TABLE growlearn_accuracy_estimates (
	stream TEXT NOT NULL, 
	window INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	rows INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	low DOUBLE NOT NULL, 
	high DOUBLE NOT NULL, 
	known_rows INTEGER NOT NULL, 
	known_correct INTEGER NOT NULL, 
	known_low DOUBLE, 
	known_high DOUBLE, 
	CONSTRAINT pk_growlearn_accuracy_estimates PRIMARY KEY (stream, window), 
	CONSTRAINT fk_growlearn_accuracy_estimates_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE
);
INSERT INTO "growlearn_accuracy_estimates" VALUES('digits',2,1,200,0.0,0.0,0.0025,200,0,0.0,0.0025);
CREATE TABLE growlearn_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT growlearn_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "growlearn_alembic_version" VALUES('0001');
CREATE TABLE growlearn_alerts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	stream TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	at DATETIME NOT NULL, 
	text TEXT NOT NULL, 
	window INTEGER, 
	version INTEGER, 
	attempts INTEGER NOT NULL, 
	reason TEXT, 
	attempted_at DATETIME, 
	claimed_until DATETIME, 
	sent_at DATETIME, 
	CONSTRAINT fk_growlearn_alerts_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE
);
INSERT INTO "growlearn_alerts" VALUES(1,'digits','promotion','2026-01-01 00:00:00.000000','version 1 is champion, by gates: w1: all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''a'', 50.00% by chance; no earlier task has all the classes; there is no earlier task to forget; no row was predicted before; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,498 parameters, no limit is set; validation loss 0.6805 before training, 0.0000 at best',1,1,0,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_alerts" VALUES(2,'digits','drift','2026-01-01 00:00:00.000000','new task: the task column names ''b'', which is not among the known tasks (''a'')',2,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_alerts" VALUES(3,'digits','promotion','2026-01-01 00:00:00.000000','version 2 is champion instead of 1, by gates: w2: all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''b'', 55.17% before training; no earlier task has all the classes; task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 10,996 parameters, no limit is set; validation loss 0.6521 before training, 0.0813 at best',2,2,0,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_alerts" VALUES(4,'digits','promotion','2026-01-01 00:00:00.000000','version 3 is champion instead of 2, by gates: w3: all 5 gates passed: task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,596 parameters, no limit is set',3,3,0,NULL,NULL,NULL,NULL);
CREATE TABLE growlearn_alias_changes (
	serial INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	alias VARCHAR(16) NOT NULL, 
	"before" INTEGER, 
	"after" INTEGER, 
	actor TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	decision INTEGER NOT NULL, 
	CONSTRAINT pk_growlearn_alias_changes PRIMARY KEY (serial), 
	CONSTRAINT fk_growlearn_alias_changes_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_alias_changes_stream_before FOREIGN KEY(stream, "before") REFERENCES growlearn_versions (stream, number) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_alias_changes_stream_after FOREIGN KEY(stream, "after") REFERENCES growlearn_versions (stream, number) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_alias_changes_decision FOREIGN KEY(decision) REFERENCES growlearn_decision_log (serial) ON DELETE CASCADE
);
INSERT INTO "growlearn_alias_changes" VALUES(1,'digits','champion',NULL,1,'gates','w1: all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''a'', 50.00% by chance; no earlier task has all the classes; there is no earlier task to forget; no row was predicted before; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,498 parameters, no limit is set; validation loss 0.6805 before training, 0.0000 at best','2026-01-01 00:00:00.000000',5);
INSERT INTO "growlearn_alias_changes" VALUES(2,'digits','champion',1,2,'gates','w2: all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''b'', 55.17% before training; no earlier task has all the classes; task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 10,996 parameters, no limit is set; validation loss 0.6521 before training, 0.0813 at best','2026-01-01 00:00:00.000000',9);
INSERT INTO "growlearn_alias_changes" VALUES(3,'digits','champion',2,3,'gates','w3: all 5 gates passed: task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,596 parameters, no limit is set','2026-01-01 00:00:00.000000',11);
CREATE TABLE growlearn_api_keys (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	token_sha256 VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	revoked_at DATETIME, 
	CONSTRAINT pk_growlearn_api_keys PRIMARY KEY (id), 
	CONSTRAINT uq_growlearn_api_keys_token_sha256 UNIQUE (token_sha256)
);
INSERT INTO "growlearn_api_keys" VALUES('06b24f98','ada','operator','0a829aa878054bd749940c61e591309956e364b465a8a453bab8b0360dfb1cad','2026-01-01 00:00:00.000000',NULL,NULL);
CREATE TABLE growlearn_api_requests (
	"key" VARCHAR(64) NOT NULL, 
	request_sha256 VARCHAR(64) NOT NULL, 
	started_at DATETIME NOT NULL, 
	status INTEGER, 
	body TEXT, 
	CONSTRAINT pk_growlearn_api_requests PRIMARY KEY ("key")
);
CREATE TABLE growlearn_branches (
	serial INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	id TEXT NOT NULL, 
	parent TEXT, 
	stem TEXT NOT NULL, 
	task TEXT NOT NULL, 
	window INTEGER NOT NULL, 
	version INTEGER, 
	parameters BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_growlearn_branches PRIMARY KEY (serial), 
	CONSTRAINT fk_growlearn_branches_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_branches_stream_version FOREIGN KEY(stream, version) REFERENCES growlearn_versions (stream, number) ON DELETE CASCADE, 
	CONSTRAINT uq_growlearn_branches_stream_id UNIQUE (stream, id), 
	CONSTRAINT fk_growlearn_branches_stream_parent FOREIGN KEY(stream, parent) REFERENCES growlearn_branches (stream, id) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_branches_stream_stem FOREIGN KEY(stream, stem) REFERENCES growlearn_branches (stream, id) ON DELETE CASCADE
);
INSERT INTO "growlearn_branches" VALUES(1,'digits','b1',NULL,'b1','a',1,1,5498,'381cb60192441ca9881cc7f1469b94ead9eb5403f34fe5a29b52053c59957e45','accepted','2026-01-01 00:00:00.000000');
INSERT INTO "growlearn_branches" VALUES(2,'digits','b2','b1','b2','b',2,2,5498,'85b000f52e8522f6ec50b261c894f0e770a6ba5b610500a57590e8363f9fbff5','accepted','2026-01-01 00:00:00.000000');
INSERT INTO "growlearn_branches" VALUES(3,'digits','b3','b2','b3','a, b',3,3,5596,'4b55c65db63aa85f00e753f4c7bfe2c33372e46c8598ada629bcdea6101ba718','accepted','2026-01-01 00:00:00.000000');
CREATE TABLE growlearn_canaries (
	stream TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	champion INTEGER NOT NULL, 
	share_percent DOUBLE NOT NULL, 
	alpha DOUBLE NOT NULL, 
	follows_challenger BOOLEAN NOT NULL, 
	started_at DATETIME NOT NULL, 
	started_by TEXT NOT NULL, 
	stopped_at DATETIME, 
	stopped_by TEXT, 
	stop_reason TEXT, 
	answered BIGINT NOT NULL, 
	compared BIGINT NOT NULL, 
	agreed BIGINT NOT NULL, 
	dropped BIGINT NOT NULL, 
	failed BIGINT NOT NULL, 
	timed_pairs BIGINT NOT NULL, 
	slower_pairs BIGINT NOT NULL, 
	labelled BIGINT NOT NULL, 
	champion_correct BIGINT NOT NULL, 
	version_correct BIGINT NOT NULL, 
	only_champion_correct BIGINT NOT NULL, 
	CONSTRAINT pk_growlearn_canaries PRIMARY KEY (stream, number), 
	CONSTRAINT fk_growlearn_canaries_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_canaries_stream_version FOREIGN KEY(stream, version) REFERENCES growlearn_versions (stream, number) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_canaries_stream_champion FOREIGN KEY(stream, champion) REFERENCES growlearn_versions (stream, number) ON DELETE CASCADE
);
CREATE TABLE growlearn_canary_answers (
	stream TEXT NOT NULL, 
	row_id TEXT NOT NULL, 
	canary INTEGER NOT NULL, 
	champion TEXT, 
	version TEXT, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_growlearn_canary_answers PRIMARY KEY (stream, row_id, canary), 
	CONSTRAINT fk_growlearn_canary_answers_stream_canary FOREIGN KEY(stream, canary) REFERENCES growlearn_canaries (stream, number) ON DELETE CASCADE
);
CREATE TABLE growlearn_decision_log (
	serial INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	at DATETIME NOT NULL, 
	actor TEXT NOT NULL, 
	growlearn_version TEXT NOT NULL, 
	job_digest VARCHAR(16) NOT NULL, 
	window INTEGER, 
	snapshot VARCHAR(64), 
	source VARCHAR(16), 
	target VARCHAR(16), 
	verdict VARCHAR(16), 
	task TEXT, 
	reason TEXT, 
	remaining_budget TEXT, 
	parent_version INTEGER, 
	parent_version_before INTEGER, 
	labels_required INTEGER, 
	judged_by_version INTEGER, 
	job TEXT, 
	canary INTEGER, 
	CONSTRAINT pk_growlearn_decision_log PRIMARY KEY (serial), 
	CONSTRAINT fk_growlearn_decision_log_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_decision_log_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_decision_log_stream_canary FOREIGN KEY(stream, canary) REFERENCES growlearn_canaries (stream, number) ON DELETE CASCADE
);
INSERT INTO "growlearn_decision_log" VALUES(1,'digits','job','2026-01-01 00:00:00.000000','growlearn','0.1.0','d1bfe4fcd58671b3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"name":"digits","source":{"url":"memory","type":"folder","pattern":"*","min_file_age_s":1.0},"schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"schedule":{"every":null,"cron":null},"windowing":{"by":null,"rows":null},"duplicates":"keep","holdout":{"fraction":0.15},"metric":"accuracy","class_weight":null,"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"drift":{"detectors":["output-ks"],"decision_rule":"any","action":"grow","alpha":0.05,"false_alarm_budget":null,"min_effect_size":null,"min_rows":30,"min_rows_per_class":5,"min_error_increase":0.03},"retraining_policy":{"confirm_windows":1,"warmup_windows":0,"cooldown_windows":0,"max_growths_per_day":null,"training_budget":null},"refine":{"when":"worthwhile","min_rows":500},"label_delay":{"timeout":"30d","min_labelled_fraction":0.0},"serving":{"request_log":null},"growth":{"epochs":5,"batch_size":16,"learning_rate":0.002,"weight_decay":1.0,"dropout":0.0,"validation_fraction":0.2,"patience":"auto","min_rows":20,"seed":0,"init":"auto","augmentation":"none","device":"auto","precision":"float32"},"hyperparameter_search":{"learning_rates":[],"num_seeds":1,"num_inits":1,"epoch_budget":24,"scope":"first"},"pruning":{"max_accuracy_drop":null},"evaluation":{"single_task_baseline":false},"baseline_comparison":{"baselines":[],"alpha":0.05,"min_accuracy_gain":0.02},"gates":{"min_gain":-1.0,"max_forgetting":0.0,"max_parameters":null,"min_accuracy":0.0,"max_negative_flip_rate":0.1,"max_routed_accuracy_drop":0.1,"replace_task_after":3},"registry":{"model":null,"promote":"auto"},"retain":"all","consolidation":{"target_branches":1,"max_accuracy_drop":0.1,"epochs":8},"keep":null,"keep_versions":null,"silent_after":null}',NULL);
INSERT INTO "growlearn_decision_log" VALUES(2,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',1,'3805550e5b07d8438ac2d6437ca0d90f3f0450ac1cce3c09b961780fce0223c3','accepted','judged','first',NULL,'no task is known yet: this window opens ''a''',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(3,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',1,'3805550e5b07d8438ac2d6437ca0d90f3f0450ac1cce3c09b961780fce0223c3','judged','growing',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(4,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',1,'3805550e5b07d8438ac2d6437ca0d90f3f0450ac1cce3c09b961780fce0223c3','growing','evaluated',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(5,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',1,'3805550e5b07d8438ac2d6437ca0d90f3f0450ac1cce3c09b961780fce0223c3','evaluated','promoted',NULL,'a','all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''a'', 50.00% by chance; no earlier task has all the classes; there is no earlier task to forget; no row was predicted before; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,498 parameters, no limit is set; validation loss 0.6805 before training, 0.0000 at best',NULL,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(6,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',2,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','accepted','judged','new task',NULL,'the task column names ''b'', which is not among the known tasks (''a'')',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(7,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',2,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','judged','growing',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(8,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',2,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','growing','evaluated',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(9,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',2,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','evaluated','promoted',NULL,'b','all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''b'', 55.17% before training; no earlier task has all the classes; task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 10,996 parameters, no limit is set; validation loss 0.6521 before training, 0.0813 at best',NULL,2,1,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(10,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',3,NULL,'growing','evaluated',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(11,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',3,NULL,'evaluated','promoted',NULL,NULL,'all 5 gates passed: task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,596 parameters, no limit is set',NULL,3,2,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(12,'digits','paused','2026-01-01 00:00:00.000000','ada','0.1.0','d1bfe4fcd58671b3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(13,'digits','resumed','2026-01-01 00:00:00.000000','ada','0.1.0','d1bfe4fcd58671b3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE growlearn_drift_reports (
	stream TEXT NOT NULL, 
	window INTEGER NOT NULL, 
	judgement INTEGER NOT NULL, 
	verdict VARCHAR(16) NOT NULL, 
	task TEXT, 
	reason TEXT NOT NULL, 
	alpha DOUBLE NOT NULL, 
	kind VARCHAR(16), 
	monitor_state TEXT, 
	correct INTEGER, 
	labelled_rows INTEGER, 
	CONSTRAINT pk_growlearn_drift_reports PRIMARY KEY (stream, window, judgement), 
	CONSTRAINT fk_growlearn_drift_reports_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE
);
INSERT INTO "growlearn_drift_reports" VALUES('digits',1,1,'first','a','no task is known yet: this window opens ''a''',0.05,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_drift_reports" VALUES('digits',2,1,'new task','b','the task column names ''b'', which is not among the known tasks (''a'')',0.05,NULL,NULL,NULL,NULL);
CREATE TABLE growlearn_drift_test_results (
	stream TEXT NOT NULL, 
	window INTEGER NOT NULL, 
	judgement INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	detector TEXT NOT NULL, 
	task TEXT NOT NULL, 
	name TEXT NOT NULL, 
	statistic DOUBLE, 
	p_value DOUBLE, 
	threshold DOUBLE NOT NULL, 
	reference_rows INTEGER NOT NULL, 
	window_rows INTEGER NOT NULL, 
	effect_size DOUBLE, 
	CONSTRAINT pk_growlearn_drift_test_results PRIMARY KEY (stream, window, judgement, position), 
	CONSTRAINT fk_growlearn_drift_test_results_stream_window_judgement FOREIGN KEY(stream, window, judgement) REFERENCES growlearn_drift_reports (stream, window, judgement) ON DELETE CASCADE
);
CREATE TABLE growlearn_evaluations (
	stream TEXT NOT NULL, 
	window INTEGER NOT NULL, 
	task TEXT NOT NULL, 
	chance_level DOUBLE NOT NULL, 
	metric_chance_level DOUBLE, 
	changed_tasks TEXT NOT NULL, 
	model_selection TEXT, 
	replacement TEXT, 
	refinement TEXT, 
	CONSTRAINT pk_growlearn_evaluations PRIMARY KEY (stream, window), 
	CONSTRAINT fk_growlearn_evaluations_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE
);
INSERT INTO "growlearn_evaluations" VALUES('digits',1,'a',0.5,NULL,'[]',NULL,NULL,NULL);
INSERT INTO "growlearn_evaluations" VALUES('digits',2,'b',0.5,NULL,'[]',NULL,NULL,NULL);
INSERT INTO "growlearn_evaluations" VALUES('digits',3,'b',0.5,NULL,'[]',NULL,NULL,NULL);
CREATE TABLE growlearn_gates (
	stream TEXT NOT NULL, 
	window INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	gate TEXT NOT NULL, 
	value DOUBLE, 
	threshold DOUBLE NOT NULL, 
	passed BOOLEAN NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_growlearn_gates PRIMARY KEY (stream, window, position), 
	CONSTRAINT fk_growlearn_gates_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE
);
INSERT INTO "growlearn_gates" VALUES('digits',1,0,'bitwise_unchanged',0.0,0.0,1,'earlier tasks are equal bit for bit on cpu');
INSERT INTO "growlearn_gates" VALUES('digits',1,1,'min_gain',0.5,-1.0,1,'100.00% accuracy on task ''a'', 50.00% by chance');
INSERT INTO "growlearn_gates" VALUES('digits',1,2,'baseline',0.0,0.0,1,'no earlier task has all the classes');
INSERT INTO "growlearn_gates" VALUES('digits',1,3,'forgetting',0.0,0.0,1,'there is no earlier task to forget');
INSERT INTO "growlearn_gates" VALUES('digits',1,4,'negative_flips',0.0,0.1,1,'no row was predicted before');
INSERT INTO "growlearn_gates" VALUES('digits',1,5,'min_accuracy',1.0,0.0,1,'100.00% accuracy on task ''a'', the lowest');
INSERT INTO "growlearn_gates" VALUES('digits',1,6,'routed_accuracy',0.0,0.1,1,'no rows have to be routed');
INSERT INTO "growlearn_gates" VALUES('digits',1,7,'max_parameters',5498.0,5498.0,1,'5,498 parameters, no limit is set');
INSERT INTO "growlearn_gates" VALUES('digits',1,8,'loss_decrease',6.80454337135749320886e-01,0.0,1,'validation loss 0.6805 before training, 0.0000 at best');
INSERT INTO "growlearn_gates" VALUES('digits',2,0,'bitwise_unchanged',0.0,0.0,1,'earlier tasks are equal bit for bit on cpu');
INSERT INTO "growlearn_gates" VALUES('digits',2,1,'min_gain',4.48275862068965524898e-01,-1.0,1,'100.00% accuracy on task ''b'', 55.17% before training');
INSERT INTO "growlearn_gates" VALUES('digits',2,2,'baseline',0.0,0.0,1,'no earlier task has all the classes');
INSERT INTO "growlearn_gates" VALUES('digits',2,3,'forgetting',0.0,0.0,1,'task ''a'' changed most: best 100.00%, now 100.00%');
INSERT INTO "growlearn_gates" VALUES('digits',2,4,'negative_flips',0.0,0.1,1,'0 of 29 rows of task ''a'' were correct before, not now');
INSERT INTO "growlearn_gates" VALUES('digits',2,5,'min_accuracy',1.0,0.0,1,'100.00% accuracy on task ''a'', the lowest');
INSERT INTO "growlearn_gates" VALUES('digits',2,6,'routed_accuracy',0.0,0.1,1,'no rows have to be routed');
INSERT INTO "growlearn_gates" VALUES('digits',2,7,'max_parameters',10996.0,10996.0,1,'10,996 parameters, no limit is set');
INSERT INTO "growlearn_gates" VALUES('digits',2,8,'loss_decrease',5.70871238523041113488e-01,0.0,1,'validation loss 0.6521 before training, 0.0813 at best');
INSERT INTO "growlearn_gates" VALUES('digits',3,0,'forgetting',0.0,0.1,1,'task ''a'' changed most: best 100.00%, now 100.00%');
INSERT INTO "growlearn_gates" VALUES('digits',3,1,'negative_flips',0.0,0.1,1,'0 of 29 rows of task ''a'' were correct before, not now');
INSERT INTO "growlearn_gates" VALUES('digits',3,2,'min_accuracy',1.0,0.0,1,'100.00% accuracy on task ''a'', the lowest');
INSERT INTO "growlearn_gates" VALUES('digits',3,3,'routed_accuracy',0.0,0.1,1,'no rows have to be routed');
INSERT INTO "growlearn_gates" VALUES('digits',3,4,'max_parameters',5596.0,5596.0,1,'5,596 parameters, no limit is set');
CREATE TABLE growlearn_growths (
	stream TEXT NOT NULL, 
	window INTEGER NOT NULL, 
	"plan" TEXT, 
	trained_plan TEXT, 
	result TEXT, 
	CONSTRAINT pk_growlearn_growths PRIMARY KEY (stream, window), 
	CONSTRAINT fk_growlearn_growths_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE
);
INSERT INTO "growlearn_growths" VALUES('digits',1,'{"stream":"digits","window":"w1","task":"a","classes":[0,1],"parent_manifest":{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[],"tasks":[],"router":null,"replaced_tasks":[]},"parent_version":null,"parent_task":null,"lineage":[],"init":"scratch","init_head_from_parent":false,"new_branches":["b1"],"train":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","validation":"729c5c7f88f0807d07dbc191007c377b3a47f757e1df43931970efb9ac24b155","holdout":"c4316e0ad4ca0e848f5a3f3fefb3419b96b2dd9d9bb43974a9762d168eee41c1","growth":{"epochs":5,"batch_size":16,"learning_rate":0.002,"weight_decay":1.0,"dropout":0.0,"validation_fraction":0.2,"patience":3,"min_rows":20,"seed":0,"init":"auto","augmentation":"none","device":"auto","precision":"float32"},"seed":1,"probe_scores":[],"max_accuracy_drop":null,"retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","train_router":true,"trials":[],"metric":"accuracy","class_weights":[],"positive_class":0,"combination":{"frozen_weight":0.0,"step_size":1.0},"combinations":[],"base_task":null,"refinement":null}','{}','{"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"381cb60192441ca9881cc7f1469b94ead9eb5403f34fe5a29b52053c59957e45"}],"branch_parameters":[5498],"head":"2497cdc5d742e791b82250e3c5d3e9e5c60e822f75ce9e34abee91baa72a4fdc","initial_head":"7344ba6e2f10676eddcc95338f3abc5b13f0b799e6c46ad8d0d4fc1afdb29518","lineage":["b1"],"epochs":[{"epoch":1,"train_loss":0.10730246354079416,"validation_loss":0.0008897781574085014,"validation_accuracy":1.0,"seconds":7.418056191003416,"validation_value":null},{"epoch":2,"train_loss":0.000413431721084738,"validation_loss":9.175825389876971e-6,"validation_accuracy":1.0,"seconds":7.434072970005218,"validation_value":null},{"epoch":3,"train_loss":0.000010846658684960136,"validation_loss":4.672735106196294e-6,"validation_accuracy":1.0,"seconds":7.456450187004521,"validation_value":null},{"epoch":4,"train_loss":0.0001813979231130348,"validation_loss":3.370876717016339e-6,"validation_accuracy":1.0,"seconds":7.518167407004512,"validation_value":null},{"epoch":5,"train_loss":0.0014106297208042072,"validation_loss":3.4262324404880454e-6,"validation_accuracy":1.0,"seconds":7.1285357599990675,"validation_value":null}],"best_epoch":4,"initial_loss":0.6804577080124663,"best_loss":3.370876717016339e-6,"prefix_losses":[3.370876717016339e-6],"train_rows":141,"validation_rows":30,"seconds":43.71644396999909,"peak_memory_bytes":529100800,"threads":2,"seed":1,"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"73957917af69510072317c61fa014143273a2b147505f985f9b133d90b04c447","ridge_weights":"d5bd39b7483aae992b6dbd7bb3459d6df31b211b7892416f1f8a261927295c69","task_classes":[["a",0],["a",1]],"stem":null},"prefix_accuracies":[1.0],"initial_branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"02c7bb59f958cfc06cfc63063d3ca59d36ebd668094d59acf156240852573112"}],"prefix_curve":[{"branch":null,"loss":0.000022991079495637833,"accuracy":1.0},{"branch":"b1","loss":3.370876717016339e-6,"accuracy":1.0}],"environment":{"growlearn":"0.1.0","commit":"55c4032bfedf900b338a0bea702b0387549bab37","code_sha256":"84a634caddcec55022feeb49ceddf54b56069f117018b143b352e10e43472ddf","python":"3.11.7","packages":{"torch":"2.13.0+cpu","numpy":"2.4.6","scipy":"1.17.1","scikit-learn":"1.9.1","avalanche-lib":"0.6.0","pyarrow":"25.0.1","pandas":"3.1.1","pillow":"13.0.0","safetensors":"0.8.0","pydantic":"2.14.3","mlflow":"3.17.2"},"packages_sha256":"37635d9d41ea81417b7113aae668c9819964eec5bb9f7ad6489f120abf24a57e","platform":"Linux","cpu":"AMD EPYC","cpu_capability":"AVX512","threads":2,"device":"cpu"},"check_logits":"054370b8f440253b23de30c11c9b7ea4a6bafa4bc7e72f9a7a678e2ad157eb14","check_device":"cpu","head_parameters":0,"replaced_tasks":[],"calibration":{"temperature":0.9989,"offsets":[]},"threshold":null,"validation_value":null,"combination":{"frozen_weight":0.0,"step_size":1.0},"initial_lineage":["b1"],"validation_loss":3.370876717016339e-6,"alone":null}');
INSERT INTO "growlearn_growths" VALUES('digits',2,'{"stream":"digits","window":"w2","task":"b","classes":[2,3],"parent_manifest":{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"381cb60192441ca9881cc7f1469b94ead9eb5403f34fe5a29b52053c59957e45"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b1"],"sha256":"2497cdc5d742e791b82250e3c5d3e9e5c60e822f75ce9e34abee91baa72a4fdc","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.9989,"offsets":[]},"threshold":null,"positive_class":0}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"73957917af69510072317c61fa014143273a2b147505f985f9b133d90b04c447","ridge_weights":"d5bd39b7483aae992b6dbd7bb3459d6df31b211b7892416f1f8a261927295c69","task_classes":[["a",0],["a",1]],"stem":null},"replaced_tasks":[]},"parent_version":1,"parent_task":"a","lineage":[],"init":"warm_start","init_head_from_parent":false,"new_branches":["b2"],"train":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","validation":"202ab019545cfac76f0ff1f0adb2fcbc747b5f564d619441275b97c748794301","holdout":"fb568fc1ee189a595dfd4c57d8492829273283e72cb0ef8b35a169b01b0b226a","growth":{"epochs":5,"batch_size":16,"learning_rate":0.002,"weight_decay":1.0,"dropout":0.0,"validation_fraction":0.2,"patience":3,"min_rows":20,"seed":0,"init":"auto","augmentation":"none","device":"auto","precision":"float32"},"seed":2,"probe_scores":[{"task":"a","lineage":[],"accuracy":0.9453125,"init":"warm_start","rows":128,"value":null},{"task":"a","lineage":["b1"],"accuracy":0.9453125,"init":"residual","rows":128,"value":null},{"task":null,"lineage":[],"accuracy":0.9296875,"init":"residual","rows":128,"value":null},{"task":null,"lineage":[],"accuracy":0.921875,"init":"scratch","rows":128,"value":null}],"max_accuracy_drop":null,"retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","train_router":true,"trials":[],"metric":"accuracy","class_weights":[],"positive_class":2,"combination":{"frozen_weight":0.0,"step_size":1.0},"combinations":[],"base_task":null,"refinement":null}','{}','{"branches":[{"id":"b2","parent":"b1","stem":"b2","sha256":"85b000f52e8522f6ec50b261c894f0e770a6ba5b610500a57590e8363f9fbff5"}],"branch_parameters":[5498],"head":"eff60a81cdb7a8a0a46098da2fe0caf8b0923bea15a032d881e2c0a792e9dc69","initial_head":"27d1e1ede28723ebeb54d42c47f7e6a1226be42c0cfb02564e0286d28234b7b4","lineage":["b2"],"epochs":[{"epoch":1,"train_loss":0.1618175539188087,"validation_loss":0.15080845655242478,"validation_accuracy":0.9302325581395349,"seconds":6.66157741900679,"validation_value":null},{"epoch":2,"train_loss":0.057961276252171956,"validation_loss":0.1158921528268896,"validation_accuracy":0.9767441860465116,"seconds":6.677871405998303,"validation_value":null},{"epoch":3,"train_loss":0.030310286179883406,"validation_loss":0.1423296699221208,"validation_accuracy":0.9767441860465116,"seconds":6.670125463002478,"validation_value":null},{"epoch":4,"train_loss":0.00427504072240481,"validation_loss":0.10682072882182271,"validation_accuracy":0.9767441860465116,"seconds":6.706045851999079,"validation_value":null},{"epoch":5,"train_loss":0.00027709833818789775,"validation_loss":0.08125334906763619,"validation_accuracy":0.9767441860465116,"seconds":6.654402494998067,"validation_value":null}],"best_epoch":5,"initial_loss":0.6521245875906773,"best_loss":0.08125334906763619,"prefix_losses":[0.08125334906763619],"train_rows":128,"validation_rows":43,"seconds":38.398780588999216,"peak_memory_bytes":530829312,"threads":2,"seed":2,"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"prefix_accuracies":[0.9767441860465116],"initial_branches":[{"id":"b2","parent":"b1","stem":"b2","sha256":"7124930e5d1e292d8f7a725c8b93f2b59d82e9fb9a32da33faccfdd84dae7dae"}],"prefix_curve":[{"branch":null,"loss":0.181256140537603,"accuracy":0.9534883720930233},{"branch":"b2","loss":0.08125334906763619,"accuracy":0.9767441860465116}],"environment":{"growlearn":"0.1.0","commit":"55c4032bfedf900b338a0bea702b0387549bab37","code_sha256":"84a634caddcec55022feeb49ceddf54b56069f117018b143b352e10e43472ddf","python":"3.11.7","packages":{"torch":"2.13.0+cpu","numpy":"2.4.6","scipy":"1.17.1","scikit-learn":"1.9.1","avalanche-lib":"0.6.0","pyarrow":"25.0.1","pandas":"3.1.1","pillow":"13.0.0","safetensors":"0.8.0","pydantic":"2.14.3","mlflow":"3.17.2"},"packages_sha256":"37635d9d41ea81417b7113aae668c9819964eec5bb9f7ad6489f120abf24a57e","platform":"Linux","cpu":"AMD EPYC","cpu_capability":"AVX512","threads":2,"device":"cpu"},"check_logits":"8653744be401f82a207c650059ec46253c0daa1ee84bd79d382032ef9222b5fa","check_device":"cpu","head_parameters":0,"replaced_tasks":[],"calibration":{"temperature":2.143,"offsets":[]},"threshold":null,"validation_value":null,"combination":{"frozen_weight":0.0,"step_size":1.0},"initial_lineage":["b2"],"validation_loss":0.08125334906763619,"alone":null}');
INSERT INTO "growlearn_growths" VALUES('digits',3,'{"stream":"digits","window":"w3","parent_manifest":{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"381cb60192441ca9881cc7f1469b94ead9eb5403f34fe5a29b52053c59957e45"},{"id":"b2","parent":"b1","stem":"b2","sha256":"85b000f52e8522f6ec50b261c894f0e770a6ba5b610500a57590e8363f9fbff5"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b1"],"sha256":"2497cdc5d742e791b82250e3c5d3e9e5c60e822f75ce9e34abee91baa72a4fdc","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.9989,"offsets":[]},"threshold":null,"positive_class":0},{"name":"b","classes":[2,3],"lineage":["b2"],"sha256":"eff60a81cdb7a8a0a46098da2fe0caf8b0923bea15a032d881e2c0a792e9dc69","retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","calibration":{"temperature":2.143,"offsets":[]},"threshold":null,"positive_class":2}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"replaced_tasks":[]},"parent_version":2,"task_data":[{"task":"a","train":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","validation":"729c5c7f88f0807d07dbc191007c377b3a47f757e1df43931970efb9ac24b155","holdout":"c4316e0ad4ca0e848f5a3f3fefb3419b96b2dd9d9bb43974a9762d168eee41c1"},{"task":"b","train":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","validation":"202ab019545cfac76f0ff1f0adb2fcbc747b5f564d619441275b97c748794301","holdout":"fb568fc1ee189a595dfd4c57d8492829273283e72cb0ef8b35a169b01b0b226a"}],"new_branches":["b3"],"growth":{"epochs":8,"batch_size":16,"learning_rate":0.002,"weight_decay":1.0,"dropout":0.0,"validation_fraction":0.2,"patience":8,"min_rows":20,"seed":0,"init":"auto","augmentation":"none","device":"auto","precision":"float32"},"max_accuracy_drop":0.1,"seed":3,"metric":"accuracy"}','{}','{"branches":[{"id":"b3","parent":"b2","stem":"b3","sha256":"4b55c65db63aa85f00e753f4c7bfe2c33372e46c8598ada629bcdea6101ba718"}],"branch_parameters":[5596],"heads":[{"name":"a","classes":[0,1],"lineage":["b3"],"sha256":"1d56bbc13e04097381365c82c04cfa73db32127e6ee82f237f978c296c200ae4","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.9845,"offsets":[]},"threshold":null,"positive_class":0},{"name":"b","classes":[2,3],"lineage":["b3"],"sha256":"bb93fd115c0548c9f174c9032d26900ea85325dca22003765d8b6f9be21b4029","retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","calibration":{"temperature":0.7093,"offsets":[]},"threshold":null,"positive_class":2}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"epochs":[{"epoch":1,"train_loss":0.055332384144084104,"validation_loss":0.03093386543698089,"validation_accuracy":1.0,"seconds":16.248036707998835,"validation_value":null},{"epoch":2,"train_loss":0.013431493227532804,"validation_loss":0.12499531366133182,"validation_accuracy":0.9883720930232558,"seconds":16.320719203002227,"validation_value":null},{"epoch":3,"train_loss":0.012440262763539406,"validation_loss":0.17051124084567607,"validation_accuracy":0.9883720930232558,"seconds":16.11250505800126,"validation_value":null},{"epoch":4,"train_loss":0.012238090362773731,"validation_loss":0.07655752222089805,"validation_accuracy":0.9767441860465116,"seconds":14.960677759998362,"validation_value":null},{"epoch":5,"train_loss":0.006034600060280814,"validation_loss":0.04786805514419495,"validation_accuracy":0.9883720930232558,"seconds":16.242710534999787,"validation_value":null},{"epoch":6,"train_loss":0.004216055745833647,"validation_loss":0.049087415779976884,"validation_accuracy":0.9883720930232558,"seconds":16.212733167994884,"validation_value":null},{"epoch":7,"train_loss":0.014773147499195706,"validation_loss":0.03398923330702061,"validation_accuracy":0.9883720930232558,"seconds":15.45872413199686,"validation_value":null},{"epoch":8,"train_loss":0.012961974869513379,"validation_loss":0.036940043494682905,"validation_accuracy":0.9883720930232558,"seconds":16.2080181190031,"validation_value":null}],"best_epoch":1,"initial_loss":1.8229780418928279,"best_loss":0.03093386543698089,"train_rows":269,"validation_rows":73,"seconds":136.3529281230003,"peak_memory_bytes":530829312,"threads":2,"seed":3,"environment":{"growlearn":"0.1.0","commit":"55c4032bfedf900b338a0bea702b0387549bab37","code_sha256":"84a634caddcec55022feeb49ceddf54b56069f117018b143b352e10e43472ddf","python":"3.11.7","packages":{"torch":"2.13.0+cpu","numpy":"2.4.6","scipy":"1.17.1","scikit-learn":"1.9.1","avalanche-lib":"0.6.0","pyarrow":"25.0.1","pandas":"3.1.1","pillow":"13.0.0","safetensors":"0.8.0","pydantic":"2.14.3","mlflow":"3.17.2"},"packages_sha256":"37635d9d41ea81417b7113aae668c9819964eec5bb9f7ad6489f120abf24a57e","platform":"Linux","cpu":"AMD EPYC","cpu_capability":"AVX512","threads":2,"device":"cpu"},"check_logits":"d90eee5ad84663565162d4b93b1a00c4d643dba677e7d14f031f14ca4893b038","check_device":"cpu"}');
CREATE TABLE growlearn_late_labels (
	id INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	window INTEGER, 
	source TEXT NOT NULL, 
	content VARCHAR(64), 
	labels INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_growlearn_late_labels PRIMARY KEY (id), 
	CONSTRAINT fk_growlearn_late_labels_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_late_labels_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE
);
CREATE TABLE growlearn_outbox (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	stream TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	window INTEGER, 
	attempts INTEGER NOT NULL, 
	reason TEXT, 
	attempted_at DATETIME, 
	delivered_at DATETIME, 
	undeliverable_at DATETIME, 
	CONSTRAINT fk_growlearn_outbox_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_outbox_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE
);
INSERT INTO "growlearn_outbox" VALUES(1,'digits','cycle',1,0,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_outbox" VALUES(2,'digits','aliases',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_outbox" VALUES(3,'digits','cycle',2,0,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_outbox" VALUES(4,'digits','aliases',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_outbox" VALUES(5,'digits','cycle',3,0,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_outbox" VALUES(6,'digits','aliases',NULL,0,NULL,NULL,NULL,NULL);
CREATE TABLE growlearn_processes (
	id TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	version TEXT NOT NULL, 
	started_at DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, 
	next_look_at DATETIME, 
	CONSTRAINT pk_growlearn_processes PRIMARY KEY (id)
);
INSERT INTO "growlearn_processes" VALUES('worker-1','worker','host',1,'0.1.0','2026-01-01 00:00:00.000000','2026-01-01 00:00:00.000000',NULL);
CREATE TABLE growlearn_quarantined_rows (
	id INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	file INTEGER NOT NULL, 
	window INTEGER, 
	"row" INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_growlearn_quarantined_rows PRIMARY KEY (id), 
	CONSTRAINT fk_growlearn_quarantined_rows_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_quarantined_rows_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_quarantined_rows_file FOREIGN KEY(file) REFERENCES growlearn_source_files (id) ON DELETE CASCADE
);
INSERT INTO "growlearn_quarantined_rows" VALUES(1,'digits',3,4,7,'x is NaN');
CREATE TABLE growlearn_removed_files (
	stream TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_growlearn_removed_files PRIMARY KEY (stream, sha256), 
	CONSTRAINT fk_growlearn_removed_files_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE
);
INSERT INTO "growlearn_removed_files" VALUES('digits','0000000000000000000000000000000000000000000000000000000000000000','2026-01-01 00:00:00.000000');
CREATE TABLE growlearn_source_files (
	id INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	url TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	sha256 VARCHAR(64), 
	schema VARCHAR(16) NOT NULL, 
	rows INTEGER NOT NULL, 
	windows TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_growlearn_source_files PRIMARY KEY (id), 
	CONSTRAINT fk_growlearn_source_files_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE
);
INSERT INTO "growlearn_source_files" VALUES(1,'digits','a.parquet','515d87eae27f6a25585284d945c0c6a3ae51826e827e0414dabc9ea25864a467','550fbab1b615f07fc9fd1c8d0cf48ebf9e1c1b66e58ca67c57f2555bb2ffaf71','b2ece6ebb2452e42',200,'["w1"]','2026-01-01 00:00:00.000000');
INSERT INTO "growlearn_source_files" VALUES(2,'digits','b.parquet','e65b1528801bebcdc5f0ed6536bd8d7e20c18ae4c7935f827b8c2d093da7be85','de8c1407f5dd4bda2d7460d998641ff5de7838e4c39d157e20e76efe98fe0b66','b2ece6ebb2452e42',200,'["w2"]','2026-01-01 00:00:00.000000');
INSERT INTO "growlearn_source_files" VALUES(3,'digits','late.parquet','1','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','0000000000000000',11,'["w4"]','2026-01-01 00:00:00.000000');
CREATE TABLE growlearn_streams (
	name TEXT NOT NULL, 
	job TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	champion INTEGER, 
	challenger INTEGER, 
	parent_version INTEGER, 
	paused_at DATETIME, 
	outbox_owner TEXT, 
	outbox_until DATETIME, 
	looked_at DATETIME, 
	CONSTRAINT pk_growlearn_streams PRIMARY KEY (name)
);
INSERT INTO "growlearn_streams" VALUES('digits','{"name":"digits","source":{"url":"memory","type":"folder","pattern":"*","min_file_age_s":1.0},"schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"schedule":{"every":null,"cron":null},"windowing":{"by":null,"rows":null},"duplicates":"keep","holdout":{"fraction":0.15},"metric":"accuracy","class_weight":null,"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"drift":{"detectors":["output-ks"],"decision_rule":"any","action":"grow","alpha":0.05,"false_alarm_budget":null,"min_effect_size":null,"min_rows":30,"min_rows_per_class":5,"min_error_increase":0.03},"retraining_policy":{"confirm_windows":1,"warmup_windows":0,"cooldown_windows":0,"max_growths_per_day":null,"training_budget":null},"refine":{"when":"worthwhile","min_rows":500},"label_delay":{"timeout":"30d","min_labelled_fraction":0.0},"serving":{"request_log":null},"growth":{"epochs":5,"batch_size":16,"learning_rate":0.002,"weight_decay":1.0,"dropout":0.0,"validation_fraction":0.2,"patience":"auto","min_rows":20,"seed":0,"init":"auto","augmentation":"none","device":"auto","precision":"float32"},"hyperparameter_search":{"learning_rates":[],"num_seeds":1,"num_inits":1,"epoch_budget":24,"scope":"first"},"pruning":{"max_accuracy_drop":null},"evaluation":{"single_task_baseline":false},"baseline_comparison":{"baselines":[],"alpha":0.05,"min_accuracy_gain":0.02},"gates":{"min_gain":-1.0,"max_forgetting":0.0,"max_parameters":null,"min_accuracy":0.0,"max_negative_flip_rate":0.1,"max_routed_accuracy_drop":0.1,"replace_task_after":3},"registry":{"model":null,"promote":"auto"},"retain":"all","consolidation":{"target_branches":1,"max_accuracy_drop":0.1,"epochs":8},"keep":null,"keep_versions":null,"silent_after":null}','2026-01-01 00:00:00.000000',3,NULL,3,NULL,NULL,NULL,'2026-01-01 00:00:00.000000');
CREATE TABLE growlearn_task_scores (
	stream TEXT NOT NULL, 
	window INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	position INTEGER NOT NULL, 
	task TEXT NOT NULL, 
	correct INTEGER NOT NULL, 
	rows INTEGER NOT NULL, 
	logits_sha256 VARCHAR(64), 
	metric VARCHAR(32) NOT NULL, 
	metric_value DOUBLE, 
	CONSTRAINT pk_growlearn_task_scores PRIMARY KEY (stream, window, kind, position), 
	CONSTRAINT fk_growlearn_task_scores_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_evaluations (stream, window) ON DELETE CASCADE
);
INSERT INTO "growlearn_task_scores" VALUES('digits',1,'candidate',0,'a',29,29,'a15d2c969bb910cfcaf4914c6e8ad37d7c4ee3294265390b5a9cdc2cb36a7ce0','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',1,'initial',0,'a',13,29,'4551c1422688e15ef63c5e4d0a866371289b2225b75b37717b79d45d05435532','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',2,'candidate',0,'a',29,29,'a15d2c969bb910cfcaf4914c6e8ad37d7c4ee3294265390b5a9cdc2cb36a7ce0','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',2,'candidate',1,'b',29,29,'21e50a446803de03f5ce75b625af1dc60c475340b107cf3e8ca38c6d69d35644','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',2,'initial',0,'b',16,29,'191aa0a11bdcb39f9d21e636549d7636e7c37580e5c80ab8af537eeac62df0f5','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'candidate',0,'a',29,29,'030b07b81af96d5c839c7002a3c07d820f5153e3915a72fabad07a49a829024e','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'candidate',1,'b',29,29,'75e9b4e1ceaeca5dd0bb632b93010ba831c7e33b98ed5bdaf04d637be77b3c8e','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'initial',0,'b',29,29,'21e50a446803de03f5ce75b625af1dc60c475340b107cf3e8ca38c6d69d35644','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'teacher',0,'a',29,29,'a15d2c969bb910cfcaf4914c6e8ad37d7c4ee3294265390b5a9cdc2cb36a7ce0','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'teacher',1,'b',29,29,'21e50a446803de03f5ce75b625af1dc60c475340b107cf3e8ca38c6d69d35644','accuracy',NULL);
CREATE TABLE growlearn_tasks (
	serial INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	name TEXT NOT NULL, 
	classes TEXT NOT NULL, 
	lineage TEXT NOT NULL, 
	head VARCHAR(64) NOT NULL, 
	holdout VARCHAR(64) NOT NULL, 
	reference_rows VARCHAR(64) NOT NULL, 
	window INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	CONSTRAINT pk_growlearn_tasks PRIMARY KEY (serial), 
	CONSTRAINT fk_growlearn_tasks_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_tasks_stream_version FOREIGN KEY(stream, version) REFERENCES growlearn_versions (stream, number) ON DELETE CASCADE, 
	CONSTRAINT uq_growlearn_tasks_stream_name_version UNIQUE (stream, name, version)
);
INSERT INTO "growlearn_tasks" VALUES(1,'digits','a','[0,1]','["b1"]','2497cdc5d742e791b82250e3c5d3e9e5c60e822f75ce9e34abee91baa72a4fdc','c4316e0ad4ca0e848f5a3f3fefb3419b96b2dd9d9bb43974a9762d168eee41c1','729c5c7f88f0807d07dbc191007c377b3a47f757e1df43931970efb9ac24b155',1,1);
INSERT INTO "growlearn_tasks" VALUES(2,'digits','b','[2,3]','["b2"]','eff60a81cdb7a8a0a46098da2fe0caf8b0923bea15a032d881e2c0a792e9dc69','fb568fc1ee189a595dfd4c57d8492829273283e72cb0ef8b35a169b01b0b226a','202ab019545cfac76f0ff1f0adb2fcbc747b5f564d619441275b97c748794301',2,2);
CREATE TABLE growlearn_ticks (
	stream TEXT NOT NULL, 
	due_at DATETIME NOT NULL, 
	CONSTRAINT pk_growlearn_ticks PRIMARY KEY (stream, due_at), 
	CONSTRAINT fk_growlearn_ticks_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE
);
INSERT INTO "growlearn_ticks" VALUES('digits','2026-01-01 00:00:00.000000');
CREATE TABLE growlearn_versions (
	stream TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	parent INTEGER, 
	window INTEGER NOT NULL, 
	branches TEXT NOT NULL, 
	tasks TEXT NOT NULL, 
	parameters BIGINT NOT NULL, 
	average_accuracy DOUBLE NOT NULL, 
	manifest TEXT NOT NULL, 
	manifest_sha256 VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	mlflow_version TEXT, 
	mlflow_run TEXT, 
	CONSTRAINT pk_growlearn_versions PRIMARY KEY (stream, number), 
	CONSTRAINT fk_growlearn_versions_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_versions_stream_parent FOREIGN KEY(stream, parent) REFERENCES growlearn_versions (stream, number) ON DELETE CASCADE, 
	CONSTRAINT uq_growlearn_versions_stream_window UNIQUE (stream, window)
);
INSERT INTO "growlearn_versions" VALUES('digits',1,NULL,1,'["b1"]','["a"]',5498,1.0,'{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"381cb60192441ca9881cc7f1469b94ead9eb5403f34fe5a29b52053c59957e45"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b1"],"sha256":"2497cdc5d742e791b82250e3c5d3e9e5c60e822f75ce9e34abee91baa72a4fdc","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.9989,"offsets":[]},"threshold":null,"positive_class":0}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"73957917af69510072317c61fa014143273a2b147505f985f9b133d90b04c447","ridge_weights":"d5bd39b7483aae992b6dbd7bb3459d6df31b211b7892416f1f8a261927295c69","task_classes":[["a",0],["a",1]],"stem":null},"replaced_tasks":[]}','0068f6447fdd1bb7222895fd93d13e033cc0a3ee1b8ba7b23807513854e699ac','2026-01-01 00:00:00.000000',NULL,NULL);
INSERT INTO "growlearn_versions" VALUES('digits',2,1,2,'["b1","b2"]','["a","b"]',10996,1.0,'{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"381cb60192441ca9881cc7f1469b94ead9eb5403f34fe5a29b52053c59957e45"},{"id":"b2","parent":"b1","stem":"b2","sha256":"85b000f52e8522f6ec50b261c894f0e770a6ba5b610500a57590e8363f9fbff5"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b1"],"sha256":"2497cdc5d742e791b82250e3c5d3e9e5c60e822f75ce9e34abee91baa72a4fdc","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.9989,"offsets":[]},"threshold":null,"positive_class":0},{"name":"b","classes":[2,3],"lineage":["b2"],"sha256":"eff60a81cdb7a8a0a46098da2fe0caf8b0923bea15a032d881e2c0a792e9dc69","retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","calibration":{"temperature":2.143,"offsets":[]},"threshold":null,"positive_class":2}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"replaced_tasks":[]}','08c20710d4f12516ac0400ef4bf93e3602c41d940aa75098206eeab66db31307','2026-01-01 00:00:00.000000',NULL,NULL);
INSERT INTO "growlearn_versions" VALUES('digits',3,2,3,'["b3"]','["a","b"]',5596,1.0,'{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b3","parent":"b2","stem":"b3","sha256":"4b55c65db63aa85f00e753f4c7bfe2c33372e46c8598ada629bcdea6101ba718"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b3"],"sha256":"1d56bbc13e04097381365c82c04cfa73db32127e6ee82f237f978c296c200ae4","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.9845,"offsets":[]},"threshold":null,"positive_class":0},{"name":"b","classes":[2,3],"lineage":["b3"],"sha256":"bb93fd115c0548c9f174c9032d26900ea85325dca22003765d8b6f9be21b4029","retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","calibration":{"temperature":0.7093,"offsets":[]},"threshold":null,"positive_class":2}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"replaced_tasks":[]}','bd9932e1aff0c34d1af5072ec9fbaee07617269ff09affc47b00b7f207d3351f','2026-01-01 00:00:00.000000',NULL,NULL);
CREATE TABLE growlearn_windows (
	stream TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	source TEXT NOT NULL, 
	discovered_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	rows INTEGER NOT NULL, 
	quarantined_rows INTEGER NOT NULL, 
	snapshot VARCHAR(64), 
	task TEXT, 
	verdict VARCHAR(16), 
	reason TEXT, 
	lease_owner TEXT, 
	lease_until DATETIME, 
	progress TEXT, 
	claim INTEGER NOT NULL, 
	failures INTEGER NOT NULL, 
	labelled INTEGER, 
	labels_required INTEGER, 
	judged_by_version INTEGER, 
	CONSTRAINT pk_growlearn_windows PRIMARY KEY (stream, number), 
	CONSTRAINT fk_growlearn_windows_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE
);
INSERT INTO "growlearn_windows" VALUES('digits',1,'promoted','a.parquet','2026-01-01 00:00:00.000000','2026-01-01 00:00:00.000000',200,0,'3805550e5b07d8438ac2d6437ca0d90f3f0450ac1cce3c09b961780fce0223c3','a','first','all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''a'', 50.00% by chance; no earlier task has all the classes; there is no earlier task to forget; no row was predicted before; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,498 parameters, no limit is set; validation loss 0.6805 before training, 0.0000 at best',NULL,NULL,NULL,1,0,200,NULL,NULL);
INSERT INTO "growlearn_windows" VALUES('digits',2,'promoted','b.parquet','2026-01-01 00:00:00.000000','2026-01-01 00:00:00.000000',200,0,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','b','new task','all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''b'', 55.17% before training; no earlier task has all the classes; task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 10,996 parameters, no limit is set; validation loss 0.6521 before training, 0.0813 at best',NULL,NULL,NULL,1,0,200,NULL,NULL);
INSERT INTO "growlearn_windows" VALUES('digits',3,'promoted','consolidation','2026-01-01 00:00:00.000000','2026-01-01 00:00:00.000000',0,0,NULL,NULL,'full','all 5 gates passed: task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,596 parameters, no limit is set',NULL,NULL,NULL,1,0,NULL,NULL,NULL);
INSERT INTO "growlearn_windows" VALUES('digits',4,'accepted','late.parquet','2026-01-01 00:00:00.000000','2026-01-01 00:00:00.000000',10,1,'5555555555555555555555555555555555555555555555555555555555555555',NULL,NULL,NULL,'ada','2026-01-01 00:01:00.000000',NULL,1,0,NULL,NULL,NULL);
CREATE INDEX ix_growlearn_source_files_stream_url ON growlearn_source_files (stream, url);
CREATE INDEX ix_growlearn_source_files_stream_at ON growlearn_source_files (stream, at);
CREATE INDEX ix_growlearn_windows_stream_state ON growlearn_windows (stream, state);
CREATE INDEX ix_growlearn_quarantined_rows_stream_window ON growlearn_quarantined_rows (stream, window);
CREATE INDEX ix_growlearn_quarantined_rows_file ON growlearn_quarantined_rows (file);
CREATE INDEX ix_growlearn_late_labels_stream ON growlearn_late_labels (stream);
CREATE INDEX ix_growlearn_canary_answers_stream_at ON growlearn_canary_answers (stream, at);
CREATE INDEX ix_growlearn_decision_log_stream_window ON growlearn_decision_log (stream, window);
CREATE INDEX ix_growlearn_alias_changes_stream ON growlearn_alias_changes (stream);
CREATE INDEX ix_growlearn_alias_changes_decision ON growlearn_alias_changes (decision);
CREATE INDEX ix_growlearn_outbox_stream_delivered_at ON growlearn_outbox (stream, delivered_at);
CREATE INDEX ix_growlearn_alerts_stream_kind_sent_at ON growlearn_alerts (stream, kind, sent_at);
CREATE INDEX ix_growlearn_alerts_sent_at_at ON growlearn_alerts (sent_at, at);
CREATE INDEX ix_growlearn_api_requests_started_at ON growlearn_api_requests (started_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('growlearn_outbox',6);
INSERT INTO "sqlite_sequence" VALUES('growlearn_alerts',4);
COMMIT;

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
INSERT INTO "growlearn_alerts" VALUES(3,'digits','promotion','2026-01-01 00:00:00.000000','version 2 is champion instead of 1, by gates: w2: all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''b'', 55.17% before training; no earlier task has all the classes; task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 10,996 parameters, no limit is set; validation loss 0.6525 before training, 0.0668 at best',2,2,0,NULL,NULL,NULL,NULL);
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
INSERT INTO "growlearn_alias_changes" VALUES(2,'digits','champion',1,2,'gates','w2: all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''b'', 55.17% before training; no earlier task has all the classes; task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 10,996 parameters, no limit is set; validation loss 0.6525 before training, 0.0668 at best','2026-01-01 00:00:00.000000',9);
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
INSERT INTO "growlearn_api_keys" VALUES('4d6fa9d7','ada','operator','3194f38675ca3e9cfb2822e7439c47816f855a3bcf7780a0442dfa8861a16270','2026-01-01 00:00:00.000000',NULL,NULL);
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
INSERT INTO "growlearn_branches" VALUES(1,'digits','b1',NULL,'b1','a',1,1,5498,'80a8cd701712b3b8886b377709416030442c0cfe881969bf5d556bdaf66c7cbe','accepted','2026-01-01 00:00:00.000000');
INSERT INTO "growlearn_branches" VALUES(2,'digits','b2','b1','b2','b',2,2,5498,'8b40e0b37db62234635de9035a75fdee168297249ef60b0c642841dfa47cb41d','accepted','2026-01-01 00:00:00.000000');
INSERT INTO "growlearn_branches" VALUES(3,'digits','b3','b2','b3','a, b',3,3,5596,'0035b69f59e26790c8f4954b2c7c44f219aa6060dae65316710beeb79f8778db','accepted','2026-01-01 00:00:00.000000');
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
	CONSTRAINT pk_growlearn_decision_log PRIMARY KEY (serial), 
	CONSTRAINT fk_growlearn_decision_log_stream FOREIGN KEY(stream) REFERENCES growlearn_streams (name) ON DELETE CASCADE, 
	CONSTRAINT fk_growlearn_decision_log_stream_window FOREIGN KEY(stream, window) REFERENCES growlearn_windows (stream, number) ON DELETE CASCADE
);
INSERT INTO "growlearn_decision_log" VALUES(1,'digits','job','2026-01-01 00:00:00.000000','growlearn','0.1.0','d1bfe4fcd58671b3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"name":"digits","source":{"url":"memory","type":"folder","pattern":"*","min_file_age_s":1.0},"schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"schedule":{"every":null,"cron":null},"windowing":{"by":null,"rows":null},"duplicates":"keep","holdout":{"fraction":0.15},"metric":"accuracy","class_weight":null,"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"drift":{"detectors":["output-ks"],"decision_rule":"any","action":"grow","alpha":0.05,"false_alarm_budget":null,"min_effect_size":null,"min_rows":30,"min_rows_per_class":5,"min_error_increase":0.03},"retraining_policy":{"confirm_windows":1,"warmup_windows":0,"cooldown_windows":0,"max_growths_per_day":null,"training_budget":null},"refine":{"when":"worthwhile","min_rows":500},"label_delay":{"timeout":"30d","min_labelled_fraction":0.0},"serving":{"request_log":null},"growth":{"epochs":5,"batch_size":16,"learning_rate":0.002,"weight_decay":1.0,"dropout":0.0,"validation_fraction":0.2,"patience":"auto","min_rows":20,"seed":0,"init":"auto","augmentation":"none","device":"auto","precision":"float32"},"hyperparameter_search":{"learning_rates":[],"num_seeds":1,"num_inits":1,"epoch_budget":24,"scope":"first"},"pruning":{"max_accuracy_drop":null},"evaluation":{"single_task_baseline":false},"baseline_comparison":{"baselines":[],"alpha":0.05,"min_accuracy_gain":0.02},"gates":{"min_gain":-1.0,"max_forgetting":0.0,"max_parameters":null,"min_accuracy":0.0,"max_negative_flip_rate":0.1,"max_routed_accuracy_drop":0.1,"replace_task_after":3},"registry":{"model":null,"promote":"auto"},"retain":"all","consolidation":{"target_branches":1,"max_accuracy_drop":0.1,"epochs":8},"keep":null,"keep_versions":null,"silent_after":null}');
INSERT INTO "growlearn_decision_log" VALUES(2,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',1,'3805550e5b07d8438ac2d6437ca0d90f3f0450ac1cce3c09b961780fce0223c3','accepted','judged','first',NULL,'no task is known yet: this window opens ''a''',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(3,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',1,'3805550e5b07d8438ac2d6437ca0d90f3f0450ac1cce3c09b961780fce0223c3','judged','growing',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(4,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',1,'3805550e5b07d8438ac2d6437ca0d90f3f0450ac1cce3c09b961780fce0223c3','growing','evaluated',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(5,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',1,'3805550e5b07d8438ac2d6437ca0d90f3f0450ac1cce3c09b961780fce0223c3','evaluated','promoted',NULL,'a','all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''a'', 50.00% by chance; no earlier task has all the classes; there is no earlier task to forget; no row was predicted before; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,498 parameters, no limit is set; validation loss 0.6805 before training, 0.0000 at best',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(6,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',2,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','accepted','judged','new task',NULL,'the task column names ''b'', which is not among the known tasks (''a'')',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(7,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',2,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','judged','growing',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(8,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',2,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','growing','evaluated',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(9,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',2,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','evaluated','promoted',NULL,'b','all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''b'', 55.17% before training; no earlier task has all the classes; task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 10,996 parameters, no limit is set; validation loss 0.6525 before training, 0.0668 at best',NULL,2,1,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(10,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',3,NULL,'growing','evaluated',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(11,'digits','transition','2026-01-01 00:00:00.000000','worker-1','0.1.0','d1bfe4fcd58671b3',3,NULL,'evaluated','promoted',NULL,NULL,'all 5 gates passed: task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,596 parameters, no limit is set',NULL,3,2,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(12,'digits','paused','2026-01-01 00:00:00.000000','ada','0.1.0','d1bfe4fcd58671b3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "growlearn_decision_log" VALUES(13,'digits','resumed','2026-01-01 00:00:00.000000','ada','0.1.0','d1bfe4fcd58671b3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "growlearn_gates" VALUES('digits',1,8,'loss_decrease',6.80454627289650226806e-01,0.0,1,'validation loss 0.6805 before training, 0.0000 at best');
INSERT INTO "growlearn_gates" VALUES('digits',2,0,'bitwise_unchanged',0.0,0.0,1,'earlier tasks are equal bit for bit on cpu');
INSERT INTO "growlearn_gates" VALUES('digits',2,1,'min_gain',4.48275862068965524898e-01,-1.0,1,'100.00% accuracy on task ''b'', 55.17% before training');
INSERT INTO "growlearn_gates" VALUES('digits',2,2,'baseline',0.0,0.0,1,'no earlier task has all the classes');
INSERT INTO "growlearn_gates" VALUES('digits',2,3,'forgetting',0.0,0.0,1,'task ''a'' changed most: best 100.00%, now 100.00%');
INSERT INTO "growlearn_gates" VALUES('digits',2,4,'negative_flips',0.0,0.1,1,'0 of 29 rows of task ''a'' were correct before, not now');
INSERT INTO "growlearn_gates" VALUES('digits',2,5,'min_accuracy',1.0,0.0,1,'100.00% accuracy on task ''a'', the lowest');
INSERT INTO "growlearn_gates" VALUES('digits',2,6,'routed_accuracy',0.0,0.1,1,'no rows have to be routed');
INSERT INTO "growlearn_gates" VALUES('digits',2,7,'max_parameters',10996.0,10996.0,1,'10,996 parameters, no limit is set');
INSERT INTO "growlearn_gates" VALUES('digits',2,8,'loss_decrease',5.85757301741382629955e-01,0.0,1,'validation loss 0.6525 before training, 0.0668 at best');
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
INSERT INTO "growlearn_growths" VALUES('digits',1,'{"stream":"digits","window":"w1","task":"a","classes":[0,1],"parent_manifest":{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[],"tasks":[],"router":null,"replaced_tasks":[]},"parent_version":null,"parent_task":null,"lineage":[],"init":"scratch","init_head_from_parent":false,"new_branches":["b1"],"train":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","validation":"729c5c7f88f0807d07dbc191007c377b3a47f757e1df43931970efb9ac24b155","holdout":"c4316e0ad4ca0e848f5a3f3fefb3419b96b2dd9d9bb43974a9762d168eee41c1","growth":{"epochs":5,"batch_size":16,"learning_rate":0.002,"weight_decay":1.0,"dropout":0.0,"validation_fraction":0.2,"patience":3,"min_rows":20,"seed":0,"init":"auto","augmentation":"none","device":"auto","precision":"float32"},"seed":1,"probe_scores":[],"max_accuracy_drop":null,"retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","train_router":true,"trials":[],"metric":"accuracy","class_weights":[],"positive_class":0,"combination":{"frozen_weight":0.0,"step_size":1.0},"combinations":[],"base_task":null,"refinement":null}','{}','{"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"80a8cd701712b3b8886b377709416030442c0cfe881969bf5d556bdaf66c7cbe"}],"branch_parameters":[5498],"head":"bf3d7274321ce3dd5f96d2d5f861b56a4fefd345676931f18ab7f6ca86e15b14","initial_head":"7344ba6e2f10676eddcc95338f3abc5b13f0b799e6c46ad8d0d4fc1afdb29518","lineage":["b1"],"epochs":[{"epoch":1,"train_loss":0.10916605105636813,"validation_loss":0.0009450812130269733,"validation_accuracy":1.0,"seconds":2.3368268990016077,"validation_value":null},{"epoch":2,"train_loss":0.00042033917580216014,"validation_loss":0.000010408116942587735,"validation_accuracy":1.0,"seconds":2.2218832169965026,"validation_value":null},{"epoch":3,"train_loss":0.000010919152672926403,"validation_loss":4.365815432342638e-6,"validation_accuracy":1.0,"seconds":1.3987817540037213,"validation_value":null},{"epoch":4,"train_loss":0.00017642517348654207,"validation_loss":3.165692850555975e-6,"validation_accuracy":1.0,"seconds":1.4881134160023066,"validation_value":null},{"epoch":5,"train_loss":0.0014404121623391938,"validation_loss":3.0985005528153903e-6,"validation_accuracy":1.0,"seconds":2.0260230990024866,"validation_value":null}],"best_epoch":5,"initial_loss":0.680457725790203,"best_loss":3.0985005528153903e-6,"prefix_losses":[3.0985005528153903e-6],"train_rows":141,"validation_rows":30,"seconds":74.3783691330027,"peak_memory_bytes":595873792,"threads":1,"seed":1,"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"73957917af69510072317c61fa014143273a2b147505f985f9b133d90b04c447","ridge_weights":"b2f6cf739a566708b1ae057563766f85c1ab3c1d27e4c0f2de15768ec9e1a247","task_classes":[["a",0],["a",1]],"stem":null},"prefix_accuracies":[1.0],"initial_branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"ef6fd4c7501e494116d71ee1a5311c60f8cf7cdf63267622010f1b4325bef3c4"}],"prefix_curve":[{"branch":null,"loss":0.0000285411839638261,"accuracy":1.0},{"branch":"b1","loss":3.0985005528153903e-6,"accuracy":1.0}],"environment":{"growlearn":"0.1.0","commit":"ab7e41d6542462a7f09f0d7241d69bc67f05a294","code_sha256":"c90e448bf5ccd84c1fb583df5209b104a940fb7bb060b9f895086fa1e1bcbc06","python":"3.11.7","packages":{"torch":"2.13.0+cpu","numpy":"2.4.6","scipy":"1.17.1","scikit-learn":"1.9.1","avalanche-lib":"0.6.0","pyarrow":"25.0.1","pandas":"3.1.1","pillow":"13.0.0","safetensors":"0.8.0","pydantic":"2.14.3","mlflow":"3.17.2"},"packages_sha256":"37635d9d41ea81417b7113aae668c9819964eec5bb9f7ad6489f120abf24a57e","platform":"Linux","cpu":"AMD EPYC","cpu_capability":"AVX512","threads":1,"device":"cpu"},"check_logits":"a6bd164e726f0a7315e0aba0f767433780753a37828bb4ed2db5f18104681dc9","check_device":"cpu","head_parameters":0,"replaced_tasks":[],"calibration":{"temperature":0.999,"offsets":[]},"threshold":null,"validation_value":null,"combination":{"frozen_weight":0.0,"step_size":1.0},"initial_lineage":["b1"],"validation_loss":3.0985005528153903e-6,"alone":null}');
INSERT INTO "growlearn_growths" VALUES('digits',2,'{"stream":"digits","window":"w2","task":"b","classes":[2,3],"parent_manifest":{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"80a8cd701712b3b8886b377709416030442c0cfe881969bf5d556bdaf66c7cbe"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b1"],"sha256":"bf3d7274321ce3dd5f96d2d5f861b56a4fefd345676931f18ab7f6ca86e15b14","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.999,"offsets":[]},"threshold":null,"positive_class":0}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"73957917af69510072317c61fa014143273a2b147505f985f9b133d90b04c447","ridge_weights":"b2f6cf739a566708b1ae057563766f85c1ab3c1d27e4c0f2de15768ec9e1a247","task_classes":[["a",0],["a",1]],"stem":null},"replaced_tasks":[]},"parent_version":1,"parent_task":"a","lineage":[],"init":"warm_start","init_head_from_parent":false,"new_branches":["b2"],"train":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","validation":"202ab019545cfac76f0ff1f0adb2fcbc747b5f564d619441275b97c748794301","holdout":"fb568fc1ee189a595dfd4c57d8492829273283e72cb0ef8b35a169b01b0b226a","growth":{"epochs":5,"batch_size":16,"learning_rate":0.002,"weight_decay":1.0,"dropout":0.0,"validation_fraction":0.2,"patience":3,"min_rows":20,"seed":0,"init":"auto","augmentation":"none","device":"auto","precision":"float32"},"seed":2,"probe_scores":[{"task":"a","lineage":[],"accuracy":0.9453125,"init":"warm_start","rows":128,"value":null},{"task":"a","lineage":["b1"],"accuracy":0.9375,"init":"residual","rows":128,"value":null},{"task":null,"lineage":[],"accuracy":0.921875,"init":"residual","rows":128,"value":null},{"task":null,"lineage":[],"accuracy":0.921875,"init":"scratch","rows":128,"value":null}],"max_accuracy_drop":null,"retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","train_router":true,"trials":[],"metric":"accuracy","class_weights":[],"positive_class":2,"combination":{"frozen_weight":0.0,"step_size":1.0},"combinations":[],"base_task":null,"refinement":null}','{}','{"branches":[{"id":"b2","parent":"b1","stem":"b2","sha256":"8b40e0b37db62234635de9035a75fdee168297249ef60b0c642841dfa47cb41d"}],"branch_parameters":[5498],"head":"60c76a6b5039b29aca2edd5d4f8a02db17e617242ccfe5d72d73c1e7b36cb6de","initial_head":"27d1e1ede28723ebeb54d42c47f7e6a1226be42c0cfb02564e0286d28234b7b4","lineage":["b2"],"epochs":[{"epoch":1,"train_loss":0.16161924763582647,"validation_loss":0.16730689454088837,"validation_accuracy":0.9302325581395349,"seconds":1.7032783959948574,"validation_value":null},{"epoch":2,"train_loss":0.0519110725090286,"validation_loss":0.11732759435453768,"validation_accuracy":0.9767441860465116,"seconds":1.6870116149948444,"validation_value":null},{"epoch":3,"train_loss":0.012142937133830856,"validation_loss":0.12359013236028249,"validation_accuracy":0.9767441860465116,"seconds":1.9696947210031794,"validation_value":null},{"epoch":4,"train_loss":0.0041769187344016245,"validation_loss":0.08966581688962127,"validation_accuracy":0.9767441860465116,"seconds":1.9645165920010186,"validation_value":null},{"epoch":5,"train_loss":0.00012182800949744887,"validation_loss":0.06676058334573465,"validation_accuracy":0.9767441860465116,"seconds":1.8901566050044494,"validation_value":null}],"best_epoch":5,"initial_loss":0.6525178850871173,"best_loss":0.06676058334573465,"prefix_losses":[0.06676058334573465],"train_rows":128,"validation_rows":43,"seconds":14.749531391003984,"peak_memory_bytes":599830528,"threads":1,"seed":2,"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"prefix_accuracies":[0.9767441860465116],"initial_branches":[{"id":"b2","parent":"b1","stem":"b2","sha256":"71f08ce6abfeade0570a96a20089c1070ef264f7e320e392962b8db7b7787d6c"}],"prefix_curve":[{"branch":null,"loss":0.1393999018771454,"accuracy":0.9534883720930233},{"branch":"b2","loss":0.06676058334573465,"accuracy":0.9767441860465116}],"environment":{"growlearn":"0.1.0","commit":"ab7e41d6542462a7f09f0d7241d69bc67f05a294","code_sha256":"c90e448bf5ccd84c1fb583df5209b104a940fb7bb060b9f895086fa1e1bcbc06","python":"3.11.7","packages":{"torch":"2.13.0+cpu","numpy":"2.4.6","scipy":"1.17.1","scikit-learn":"1.9.1","avalanche-lib":"0.6.0","pyarrow":"25.0.1","pandas":"3.1.1","pillow":"13.0.0","safetensors":"0.8.0","pydantic":"2.14.3","mlflow":"3.17.2"},"packages_sha256":"37635d9d41ea81417b7113aae668c9819964eec5bb9f7ad6489f120abf24a57e","platform":"Linux","cpu":"AMD EPYC","cpu_capability":"AVX512","threads":1,"device":"cpu"},"check_logits":"947e31c1e44c8274644f493b55fc95800204d04eb667c44a093ecdd185a53c65","check_device":"cpu","head_parameters":0,"replaced_tasks":[],"calibration":{"temperature":1.924,"offsets":[]},"threshold":null,"validation_value":null,"combination":{"frozen_weight":0.0,"step_size":1.0},"initial_lineage":["b2"],"validation_loss":0.06676058334573465,"alone":null}');
INSERT INTO "growlearn_growths" VALUES('digits',3,'{"stream":"digits","window":"w3","parent_manifest":{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"80a8cd701712b3b8886b377709416030442c0cfe881969bf5d556bdaf66c7cbe"},{"id":"b2","parent":"b1","stem":"b2","sha256":"8b40e0b37db62234635de9035a75fdee168297249ef60b0c642841dfa47cb41d"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b1"],"sha256":"bf3d7274321ce3dd5f96d2d5f861b56a4fefd345676931f18ab7f6ca86e15b14","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.999,"offsets":[]},"threshold":null,"positive_class":0},{"name":"b","classes":[2,3],"lineage":["b2"],"sha256":"60c76a6b5039b29aca2edd5d4f8a02db17e617242ccfe5d72d73c1e7b36cb6de","retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","calibration":{"temperature":1.924,"offsets":[]},"threshold":null,"positive_class":2}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"replaced_tasks":[]},"parent_version":2,"task_data":[{"task":"a","train":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","validation":"729c5c7f88f0807d07dbc191007c377b3a47f757e1df43931970efb9ac24b155","holdout":"c4316e0ad4ca0e848f5a3f3fefb3419b96b2dd9d9bb43974a9762d168eee41c1"},{"task":"b","train":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","validation":"202ab019545cfac76f0ff1f0adb2fcbc747b5f564d619441275b97c748794301","holdout":"fb568fc1ee189a595dfd4c57d8492829273283e72cb0ef8b35a169b01b0b226a"}],"new_branches":["b3"],"growth":{"epochs":8,"batch_size":16,"learning_rate":0.002,"weight_decay":1.0,"dropout":0.0,"validation_fraction":0.2,"patience":8,"min_rows":20,"seed":0,"init":"auto","augmentation":"none","device":"auto","precision":"float32"},"max_accuracy_drop":0.1,"seed":3,"metric":"accuracy"}','{}','{"branches":[{"id":"b3","parent":"b2","stem":"b3","sha256":"0035b69f59e26790c8f4954b2c7c44f219aa6060dae65316710beeb79f8778db"}],"branch_parameters":[5596],"heads":[{"name":"a","classes":[0,1],"lineage":["b3"],"sha256":"b11a126bd79bd58d6bf60d4103c0a239e8092407b1b1ce8a58b5377062fdd4e1","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.9797,"offsets":[]},"threshold":null,"positive_class":0},{"name":"b","classes":[2,3],"lineage":["b3"],"sha256":"e01316aa89f2dbd46da914119f26a1a5e98d60420d39a6951391cfc3b39059ba","retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","calibration":{"temperature":0.7119,"offsets":[]},"threshold":null,"positive_class":2}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"epochs":[{"epoch":1,"train_loss":0.05538399837094058,"validation_loss":0.027330166707898295,"validation_accuracy":1.0,"seconds":4.118917455001792,"validation_value":null},{"epoch":2,"train_loss":0.015902346131637636,"validation_loss":0.07563415316272845,"validation_accuracy":0.9883720930232558,"seconds":3.366806808997353,"validation_value":null},{"epoch":3,"train_loss":0.05244266060025165,"validation_loss":0.15440241141865652,"validation_accuracy":0.9883720930232558,"seconds":3.472183990998019,"validation_value":null},{"epoch":4,"train_loss":0.0074492610097762375,"validation_loss":0.038275631186516244,"validation_accuracy":1.0,"seconds":3.4344614459987497,"validation_value":null},{"epoch":5,"train_loss":0.02522866156118399,"validation_loss":0.029192982612596462,"validation_accuracy":0.9883720930232558,"seconds":3.137870701000793,"validation_value":null},{"epoch":6,"train_loss":0.004072468564239743,"validation_loss":0.03234193729626578,"validation_accuracy":1.0,"seconds":3.90317818299809,"validation_value":null},{"epoch":7,"train_loss":0.009547875879062374,"validation_loss":0.04622480785690768,"validation_accuracy":1.0,"seconds":3.937800044004689,"validation_value":null},{"epoch":8,"train_loss":0.003610679157057493,"validation_loss":0.03986389708178219,"validation_accuracy":1.0,"seconds":2.8032220599998254,"validation_value":null}],"best_epoch":1,"initial_loss":1.8388402983199716,"best_loss":0.027330166707898295,"train_rows":269,"validation_rows":73,"seconds":35.29712313799973,"peak_memory_bytes":599830528,"threads":1,"seed":3,"environment":{"growlearn":"0.1.0","commit":"ab7e41d6542462a7f09f0d7241d69bc67f05a294","code_sha256":"c90e448bf5ccd84c1fb583df5209b104a940fb7bb060b9f895086fa1e1bcbc06","python":"3.11.7","packages":{"torch":"2.13.0+cpu","numpy":"2.4.6","scipy":"1.17.1","scikit-learn":"1.9.1","avalanche-lib":"0.6.0","pyarrow":"25.0.1","pandas":"3.1.1","pillow":"13.0.0","safetensors":"0.8.0","pydantic":"2.14.3","mlflow":"3.17.2"},"packages_sha256":"37635d9d41ea81417b7113aae668c9819964eec5bb9f7ad6489f120abf24a57e","platform":"Linux","cpu":"AMD EPYC","cpu_capability":"AVX512","threads":1,"device":"cpu"},"check_logits":"a404b9919d19dd2fd7cf0d0e454f5db1861530af294ad937db2755c82e47b44b","check_device":"cpu"}');
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
INSERT INTO "growlearn_task_scores" VALUES('digits',1,'candidate',0,'a',29,29,'0fd3fa13a16ca15dbe5c8565fe75799633b71d0aa3b97febfc7bad0742d2d680','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',1,'initial',0,'a',13,29,'1e971a0e6a4e06982df29bf589d2b5766dd96ba3ad1972240ef0d581a58f2041','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',2,'candidate',0,'a',29,29,'0fd3fa13a16ca15dbe5c8565fe75799633b71d0aa3b97febfc7bad0742d2d680','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',2,'candidate',1,'b',29,29,'42d0eba5f94b77bef0f210f0100d5621792f5fd9b6c836eeea73c5d39c85f848','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',2,'initial',0,'b',16,29,'dca90a6f1e471e27228610640e1e0a671ec5ec3710bf831b7920112c82677b43','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'candidate',0,'a',29,29,'b9926c6b00a3f92b880c2ef3e326181151a520a4a1bc3692a1ea2974b87d4ddd','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'candidate',1,'b',29,29,'6c1c2589d148ad17ead7ae57bb124bdbe1c2572475ef41bdc4bd2cdaacd09aaa','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'initial',0,'b',29,29,'42d0eba5f94b77bef0f210f0100d5621792f5fd9b6c836eeea73c5d39c85f848','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'teacher',0,'a',29,29,'0fd3fa13a16ca15dbe5c8565fe75799633b71d0aa3b97febfc7bad0742d2d680','accuracy',NULL);
INSERT INTO "growlearn_task_scores" VALUES('digits',3,'teacher',1,'b',29,29,'42d0eba5f94b77bef0f210f0100d5621792f5fd9b6c836eeea73c5d39c85f848','accuracy',NULL);
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
INSERT INTO "growlearn_tasks" VALUES(1,'digits','a','[0,1]','["b1"]','bf3d7274321ce3dd5f96d2d5f861b56a4fefd345676931f18ab7f6ca86e15b14','c4316e0ad4ca0e848f5a3f3fefb3419b96b2dd9d9bb43974a9762d168eee41c1','729c5c7f88f0807d07dbc191007c377b3a47f757e1df43931970efb9ac24b155',1,1);
INSERT INTO "growlearn_tasks" VALUES(2,'digits','b','[2,3]','["b2"]','60c76a6b5039b29aca2edd5d4f8a02db17e617242ccfe5d72d73c1e7b36cb6de','fb568fc1ee189a595dfd4c57d8492829273283e72cb0ef8b35a169b01b0b226a','202ab019545cfac76f0ff1f0adb2fcbc747b5f564d619441275b97c748794301',2,2);
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
INSERT INTO "growlearn_versions" VALUES('digits',1,NULL,1,'["b1"]','["a"]',5498,1.0,'{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"80a8cd701712b3b8886b377709416030442c0cfe881969bf5d556bdaf66c7cbe"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b1"],"sha256":"bf3d7274321ce3dd5f96d2d5f861b56a4fefd345676931f18ab7f6ca86e15b14","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.999,"offsets":[]},"threshold":null,"positive_class":0}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"73957917af69510072317c61fa014143273a2b147505f985f9b133d90b04c447","ridge_weights":"b2f6cf739a566708b1ae057563766f85c1ab3c1d27e4c0f2de15768ec9e1a247","task_classes":[["a",0],["a",1]],"stem":null},"replaced_tasks":[]}','ce6eefd60620151991c35fbb742a920dbfdec26679c7d83f740f78b4fcb9c456','2026-01-01 00:00:00.000000',NULL,NULL);
INSERT INTO "growlearn_versions" VALUES('digits',2,1,2,'["b1","b2"]','["a","b"]',10996,1.0,'{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b1","parent":null,"stem":"b1","sha256":"80a8cd701712b3b8886b377709416030442c0cfe881969bf5d556bdaf66c7cbe"},{"id":"b2","parent":"b1","stem":"b2","sha256":"8b40e0b37db62234635de9035a75fdee168297249ef60b0c642841dfa47cb41d"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b1"],"sha256":"bf3d7274321ce3dd5f96d2d5f861b56a4fefd345676931f18ab7f6ca86e15b14","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.999,"offsets":[]},"threshold":null,"positive_class":0},{"name":"b","classes":[2,3],"lineage":["b2"],"sha256":"60c76a6b5039b29aca2edd5d4f8a02db17e617242ccfe5d72d73c1e7b36cb6de","retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","calibration":{"temperature":1.924,"offsets":[]},"threshold":null,"positive_class":2}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"replaced_tasks":[]}','371c68067d5ba8120bc19cc5009b64f818d3b95fed5b12343ea5f6800e327ea3','2026-01-01 00:00:00.000000',NULL,NULL);
INSERT INTO "growlearn_versions" VALUES('digits',3,2,3,'["b3"]','["a","b"]',5596,1.0,'{"stream":"digits","schema":{"inputs":{"image":{"type":"image","shape":[1,8,8],"vocabulary":null,"length":null,"required":false}},"label":"label","task":"task","id_column":null},"model":{"size":"small","embed_dim":16,"depth":1,"num_heads":2,"stem":"conv","patch_size":2,"num_initial_branches":1,"max_branches":2,"max_lineage_length":"auto","encoder":null},"branches":[{"id":"b3","parent":"b2","stem":"b3","sha256":"0035b69f59e26790c8f4954b2c7c44f219aa6060dae65316710beeb79f8778db"}],"tasks":[{"name":"a","classes":[0,1],"lineage":["b3"],"sha256":"b11a126bd79bd58d6bf60d4103c0a239e8092407b1b1ce8a58b5377062fdd4e1","retained":"1d47306c9524c4fc580fef70b8ad66a733d3dc89c5d804166359f01d533cc16e","calibration":{"temperature":0.9797,"offsets":[]},"threshold":null,"positive_class":0},{"name":"b","classes":[2,3],"lineage":["b3"],"sha256":"e01316aa89f2dbd46da914119f26a1a5e98d60420d39a6951391cfc3b39059ba","retained":"0c8e011abd8699f577d37740e2226ab5f335b549d8beffc7e0015f659da5799f","calibration":{"temperature":0.7119,"offsets":[]},"threshold":null,"positive_class":2}],"router":{"features":"e988f0114674e9259baa3d79838ab4c8a2c1de5b53704d00e04346c7dfe15cb5","gram_matrices":"a6f47c58d80a2408e5176cc4149ff539d8010206c01cab610c01eaf123a36fb9","ridge_weights":"968832b714a67a51e4269d3a24fd361d0c73fa9cdaf0a3f4fcb9aaa0408b5200","task_classes":[["a",0],["a",1],["b",2],["b",3]],"stem":null},"replaced_tasks":[]}','da600e070144593bee0cc88c6d851dd36799abf8fb1f45b13733ff2875d3297b','2026-01-01 00:00:00.000000',NULL,NULL);
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
INSERT INTO "growlearn_windows" VALUES('digits',2,'promoted','b.parquet','2026-01-01 00:00:00.000000','2026-01-01 00:00:00.000000',200,0,'4415464da971b9b65035244ad3eb71a180bc9e74ecb763e5d6e18b986502c810','b','new task','all 9 gates passed: earlier tasks are equal bit for bit on cpu; 100.00% accuracy on task ''b'', 55.17% before training; no earlier task has all the classes; task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 10,996 parameters, no limit is set; validation loss 0.6525 before training, 0.0668 at best',NULL,NULL,NULL,1,0,200,NULL,NULL);
INSERT INTO "growlearn_windows" VALUES('digits',3,'promoted','consolidation','2026-01-01 00:00:00.000000','2026-01-01 00:00:00.000000',0,0,NULL,NULL,'full','all 5 gates passed: task ''a'' changed most: best 100.00%, now 100.00%; 0 of 29 rows of task ''a'' were correct before, not now; 100.00% accuracy on task ''a'', the lowest; no rows have to be routed; 5,596 parameters, no limit is set',NULL,NULL,NULL,1,0,NULL,NULL,NULL);
INSERT INTO "growlearn_windows" VALUES('digits',4,'accepted','late.parquet','2026-01-01 00:00:00.000000','2026-01-01 00:00:00.000000',10,1,'5555555555555555555555555555555555555555555555555555555555555555',NULL,NULL,NULL,'ada','2026-01-01 00:01:00.000000',NULL,1,0,NULL,NULL,NULL);
CREATE INDEX ix_growlearn_source_files_stream_url ON growlearn_source_files (stream, url);
CREATE INDEX ix_growlearn_source_files_stream_at ON growlearn_source_files (stream, at);
CREATE INDEX ix_growlearn_windows_stream_state ON growlearn_windows (stream, state);
CREATE INDEX ix_growlearn_quarantined_rows_stream_window ON growlearn_quarantined_rows (stream, window);
CREATE INDEX ix_growlearn_quarantined_rows_file ON growlearn_quarantined_rows (file);
CREATE INDEX ix_growlearn_late_labels_stream ON growlearn_late_labels (stream);
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

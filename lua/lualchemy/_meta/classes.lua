---@meta
-- Written by `make completions` (spec/support/completions.lua): what `sa`, `orm` and their classes have, for editors.

---@class lualchemy.AnyResult: lualchemy.Object
---@field all fun(self: lualchemy.AnyResult): any[]
---@field fetchall fun(self: lualchemy.AnyResult): any
---@field fetchmany fun(self: lualchemy.AnyResult, n?: any): any
---@field fetchone fun(self: lualchemy.AnyResult): any
---@field first fun(self: lualchemy.AnyResult): any
---@field one fun(self: lualchemy.AnyResult): any
---@field one_or_none fun(self: lualchemy.AnyResult): any
---@field partitions fun(self: lualchemy.AnyResult, n?: any): any
---@field unique fun(self: lualchemy.AnyResult, fn?: any): any
---@field yield_per fun(self: lualchemy.AnyResult, n?: any): any

---@class lualchemy.CheckConstraint: lualchemy.ColumnCollectionConstraint
---@field copy fun(self: lualchemy.CheckConstraint, target?: any): any

---@class lualchemy.ColumnCollectionConstraint: lualchemy.Constraint
---@field contains_column fun(self: lualchemy.ColumnCollectionConstraint, column?: any): any
---@field copy fun(self: lualchemy.ColumnCollectionConstraint): any

---@class lualchemy.ColumnDefault: lualchemy.SchemaItem
---@field copy fun(self: lualchemy.ColumnDefault): any

---@class lualchemy.Computed: lualchemy.FetchedValue
---@field copy fun(self: lualchemy.Computed): any

---@class lualchemy.Connection: lualchemy.Object
---@field begin fun(self: lualchemy.Connection, fn?: any): any
---@field begin_nested fun(self: lualchemy.Connection, fn?: any): any
---@field begin_twophase fun(self: lualchemy.Connection, xid?: any): any
---@field close fun(self: lualchemy.Connection): any
---@field commit fun(self: lualchemy.Connection): any
---@field commit_prepared fun(self: lualchemy.Connection, xid?: any): any
---@field detach fun(self: lualchemy.Connection): any
---@field exec fun(self: lualchemy.Connection, statement?: any, params?: any, options?: any): any
---@field exec_driver_sql fun(self: lualchemy.Connection, text?: any, params?: any, options?: any): any
---@field execute fun(self: lualchemy.Connection, statement?: any, params?: any, options?: any): lualchemy.Result
---@field execution_options fun(self: lualchemy.Connection, options?: any): any
---@field get_default_isolation_level fun(self: lualchemy.Connection): any
---@field get_execution_options fun(self: lualchemy.Connection): table
---@field get_isolation_level fun(self: lualchemy.Connection): any
---@field get_nested_transaction fun(self: lualchemy.Connection): any
---@field get_transaction fun(self: lualchemy.Connection): any
---@field in_nested_transaction fun(self: lualchemy.Connection): any
---@field in_transaction fun(self: lualchemy.Connection): any
---@field invalidate fun(self: lualchemy.Connection, err?: any): any
---@field recover_twophase fun(self: lualchemy.Connection): any
---@field rollback fun(self: lualchemy.Connection): any
---@field rollback_prepared fun(self: lualchemy.Connection, xid?: any): any
---@field scalar fun(self: lualchemy.Connection, statement?: any, params?: any, options?: any): any
---@field scalars fun(self: lualchemy.Connection, statement?: any, params?: any, options?: any): any

---@class lualchemy.Constraint: lualchemy.SchemaItem
---@field ddl_if fun(self: lualchemy.Constraint, item?: any, condition?: any): any

---@class lualchemy.DDLElement: lualchemy.SchemaItem
---@field against fun(self: lualchemy.DDLElement, target?: any): any
---@field compile fun(self: lualchemy.DDLElement, target?: any, more?: any): lualchemy.Compiled
---@field execute_if fun(self: lualchemy.DDLElement, given?: any): any

---@class lualchemy.DefaultClause: lualchemy.FetchedValue
---@field copy fun(self: lualchemy.DefaultClause): any

---@class lualchemy.Dialect: lualchemy.Object
---@field connect fun(self: lualchemy.Dialect, args?: any): any
---@field create_connect_args fun(self: lualchemy.Dialect, url?: any): any
---@field descends_from fun(self: lualchemy.Dialect, name?: any): any
---@field part fun(self: lualchemy.Dialect, part?: any): any
---@field quote fun(self: lualchemy.Dialect, name?: any, force?: any): any
---@field translated fun(self: lualchemy.Dialect, map?: any): any
---@field type_descriptor fun(self: lualchemy.Dialect, type_?: any): any

---@class lualchemy.Engine: lualchemy.Object
---@field add_listener fun(self: lualchemy.Engine, extension?: any): any
---@field backup fun(self: lualchemy.Engine, path?: any, options?: any): any
---@field begin fun(self: lualchemy.Engine, fn?: any): any
---@field begin_twophase fun(self: lualchemy.Engine, fn?: any, xid?: any): any
---@field clear_compiled_cache fun(self: lualchemy.Engine): any
---@field commit_prepared fun(self: lualchemy.Engine, ...: any): any
---@field connect fun(self: lualchemy.Engine, fn?: any): any
---@field dispose fun(self: lualchemy.Engine): any
---@field execute fun(self: lualchemy.Engine, statement?: any, params?: any): lualchemy.Result
---@field execution_options fun(self: lualchemy.Engine, options?: any): any
---@field get_execution_options fun(self: lualchemy.Engine): table
---@field metrics fun(self: lualchemy.Engine): any
---@field on_slow_query fun(self: lualchemy.Engine, seconds?: any, fn?: any): any
---@field query_cache_info fun(self: lualchemy.Engine): any
---@field raw_connection fun(self: lualchemy.Engine): any
---@field recover_twophase fun(self: lualchemy.Engine, ...: any): any
---@field restore fun(self: lualchemy.Engine, path?: any, options?: any): any
---@field rollback_prepared fun(self: lualchemy.Engine, ...: any): any
---@field run_transaction fun(self: lualchemy.Engine, fn?: any, options?: any): any
---@field update_execution_options fun(self: lualchemy.Engine, options?: any): any

---@class lualchemy.FetchedValue: lualchemy.SchemaItem
---@field copy fun(self: lualchemy.FetchedValue): any

---@class lualchemy.ForeignKey: lualchemy.SchemaItem
---@field copy fun(self: lualchemy.ForeignKey, schema?: any, renamed?: any): any
---@field get_referent fun(self: lualchemy.ForeignKey, table_?: any): any
---@field references fun(self: lualchemy.ForeignKey, table_?: any): any

---@class lualchemy.ForeignKeyConstraint: lualchemy.ColumnCollectionConstraint
---@field copy fun(self: lualchemy.ForeignKeyConstraint, _?: any, schema?: any, renamed?: any): any

---@class lualchemy.Identity: lualchemy.FetchedValue
---@field copy fun(self: lualchemy.Identity): any

---@class lualchemy.Index: lualchemy.SchemaItem
---@field copy fun(self: lualchemy.Index, target?: any): any
---@field create fun(self: lualchemy.Index, bind?: any, opts?: any): any
---@field ddl_if fun(self: lualchemy.Index, item?: any, condition?: any): any
---@field drop fun(self: lualchemy.Index, bind?: any, opts?: any): any

---@class lualchemy.Inspector: lualchemy.Object
---@field clear_cache fun(self: lualchemy.Inspector): any
---@field get_check_constraints fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_columns fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_default_schema_name fun(self: lualchemy.Inspector): any
---@field get_domains fun(self: lualchemy.Inspector, opts?: any): any
---@field get_enums fun(self: lualchemy.Inspector, opts?: any): any
---@field get_foreign_keys fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_foreign_table_names fun(self: lualchemy.Inspector, opts?: any): any
---@field get_indexes fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_materialized_view_names fun(self: lualchemy.Inspector, opts?: any): any
---@field get_multi_check_constraints fun(self: lualchemy.Inspector, opts?: any): any
---@field get_multi_columns fun(self: lualchemy.Inspector, opts?: any): any
---@field get_multi_foreign_keys fun(self: lualchemy.Inspector, opts?: any): any
---@field get_multi_indexes fun(self: lualchemy.Inspector, opts?: any): any
---@field get_multi_pk_constraint fun(self: lualchemy.Inspector, opts?: any): any
---@field get_multi_table_comment fun(self: lualchemy.Inspector, opts?: any): any
---@field get_multi_table_options fun(self: lualchemy.Inspector, opts?: any): any
---@field get_multi_unique_constraints fun(self: lualchemy.Inspector, opts?: any): any
---@field get_pk_constraint fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_schema_names fun(self: lualchemy.Inspector): any
---@field get_sequence_names fun(self: lualchemy.Inspector, opts?: any): any
---@field get_sorted_table_and_fkc_names fun(self: lualchemy.Inspector, opts?: any): any
---@field get_table_comment fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_table_names fun(self: lualchemy.Inspector, opts?: any): any
---@field get_table_oid fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_table_options fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_temp_table_names fun(self: lualchemy.Inspector): any
---@field get_temp_view_names fun(self: lualchemy.Inspector): any
---@field get_unique_constraints fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_view_definition fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field get_view_names fun(self: lualchemy.Inspector, opts?: any): any
---@field has_index fun(self: lualchemy.Inspector, table_name?: any, index_name?: any, opts?: any): any
---@field has_schema fun(self: lualchemy.Inspector, name?: any): any
---@field has_sequence fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field has_table fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field has_type fun(self: lualchemy.Inspector, name?: any, opts?: any): any
---@field reflect_table fun(self: lualchemy.Inspector, table_?: any, opts?: any): any

---@class lualchemy.JSON: lualchemy.Type
---@field array fun(self: lualchemy.JSON, list?: any): any

---@class lualchemy.MappingResult: lualchemy.AnyResult
---@field close fun(self: lualchemy.MappingResult): any
---@field columns fun(self: lualchemy.MappingResult, ...: any): any
---@field fetchall fun(self: lualchemy.MappingResult): any
---@field keys fun(self: lualchemy.MappingResult): any

---@class lualchemy.MetaData: lualchemy.SchemaItem
---@field append_ddl_listener fun(self: lualchemy.MetaData, name?: any, fn?: any): any
---@field clear fun(self: lualchemy.MetaData): any
---@field contains fun(self: lualchemy.MetaData, key?: any): any
---@field create_all fun(self: lualchemy.MetaData, bind?: any, opts?: any): any
---@field drop_all fun(self: lualchemy.MetaData, bind?: any, opts?: any): any
---@field get_schema_object_by_name fun(self: lualchemy.MetaData, kind?: any, name?: any, opts?: any): any
---@field get_schema_objects fun(self: lualchemy.MetaData, kind?: any, opts?: any): any
---@field reflect fun(self: lualchemy.MetaData, bind?: any, opts?: any): any
---@field remove fun(self: lualchemy.MetaData, table_?: any): any

---@class lualchemy.NestedTransaction: lualchemy.Transaction
---@field commit fun(self: lualchemy.NestedTransaction): any
---@field rollback fun(self: lualchemy.NestedTransaction): any

---@class lualchemy.Pool: lualchemy.Object
---@field add_listener fun(self: lualchemy.Pool, extension?: any): any
---@field checkedin fun(self: lualchemy.Pool): any
---@field checkedout fun(self: lualchemy.Pool): any
---@field connect fun(self: lualchemy.Pool): any
---@field dispose fun(self: lualchemy.Pool): any
---@field holders fun(self: lualchemy.Pool): any
---@field invalidate_all fun(self: lualchemy.Pool): any
---@field metrics fun(self: lualchemy.Pool): any
---@field recreate fun(self: lualchemy.Pool): any
---@field status fun(self: lualchemy.Pool): any

---@class lualchemy.QueuePool: lualchemy.Pool
---@field overflow fun(self: lualchemy.QueuePool): any
---@field size fun(self: lualchemy.QueuePool): any
---@field status fun(self: lualchemy.QueuePool): any
---@field timeout fun(self: lualchemy.QueuePool): any

---@class lualchemy.Result: lualchemy.AnyResult
---@field all fun(self: lualchemy.Result): any[]
---@field buffer fun(self: lualchemy.Result, arrange?: any): any
---@field close fun(self: lualchemy.Result): any
---@field columns fun(self: lualchemy.Result, ...: any): any
---@field each_fetched fun(self: lualchemy.Result, fn?: any): any
---@field fetchall fun(self: lualchemy.Result, ...: any): any
---@field fetchmany fun(self: lualchemy.Result, n?: any): any
---@field first fun(self: lualchemy.Result): any
---@field freeze fun(self: lualchemy.Result): any
---@field keys fun(self: lualchemy.Result): any
---@field last_inserted_params fun(self: lualchemy.Result): any
---@field last_updated_params fun(self: lualchemy.Result): any
---@field lastrow_has_defaults fun(self: lualchemy.Result): any
---@field mappings fun(self: lualchemy.Result): any
---@field merge fun(self: lualchemy.Result, ...: any): any
---@field of_rows fun(self: lualchemy.Result, shape?: any, rows?: any, context?: any): any
---@field one fun(self: lualchemy.Result): any
---@field one_or_none fun(self: lualchemy.Result): any
---@field over fun(self: lualchemy.Result, run?: any, context?: any): lualchemy.Over
---@field plain fun(self: lualchemy.Result, run?: any, conn?: any, statement?: any): any
---@field postfetch_cols fun(self: lualchemy.Result): any
---@field prefetch_cols fun(self: lualchemy.Result): any
---@field scalar fun(self: lualchemy.Result): any
---@field scalar_one fun(self: lualchemy.Result): any
---@field scalar_one_or_none fun(self: lualchemy.Result): any
---@field scalars fun(self: lualchemy.Result, column?: any): any
---@field splice_horizontally fun(self: lualchemy.Result, other?: any): any
---@field splice_vertically fun(self: lualchemy.Result, other?: any): any
---@field supports_sane_multi_rowcount fun(self: lualchemy.Result): any
---@field supports_sane_rowcount fun(self: lualchemy.Result): any
---@field tuples fun(self: lualchemy.Result): any
---@field unique fun(self: lualchemy.Result, fn?: any): any

---@class lualchemy.RootTransaction: lualchemy.Transaction
---@field commit fun(self: lualchemy.RootTransaction): any
---@field rollback fun(self: lualchemy.RootTransaction): any

---@class lualchemy.ScalarResult: lualchemy.AnyResult
---@field close fun(self: lualchemy.ScalarResult): any

---@class lualchemy.SchemaItem: lualchemy.Object
---@field argument_for fun(self: lualchemy.SchemaItem, dialect?: any, name?: any): any
---@field get_dialect_option fun(self: lualchemy.SchemaItem, dialect?: any, name?: any, opts?: any): any
---@field is_item fun(self: lualchemy.SchemaItem, value?: any): any
---@field kind fun(self: lualchemy.SchemaItem, value?: any): any
---@field next_order fun(self: lualchemy.SchemaItem): any

---@class lualchemy.Sequence: lualchemy.SchemaItem
---@field copy fun(self: lualchemy.Sequence): any
---@field create fun(self: lualchemy.Sequence, bind?: any, opts?: any): any
---@field drop fun(self: lualchemy.Sequence, bind?: any, opts?: any): any
---@field next_value fun(self: lualchemy.Sequence): any

---@class lualchemy.Table: lualchemy.SchemaItem
---@field add_is_dependent_on fun(self: lualchemy.Table, other?: any): any
---@field alias fun(self: lualchemy.Table, name?: any, options?: any): lualchemy.Alias
---@field append_column fun(self: lualchemy.Table, column?: any, opts?: any): any
---@field append_constraint fun(self: lualchemy.Table, item?: any): any
---@field append_ddl_listener fun(self: lualchemy.Table, name?: any, fn?: any): any
---@field compare fun(self: lualchemy.Table, other?: any): any
---@field compile fun(self: lualchemy.Table, target?: any, options?: any): lualchemy.Compiled
---@field corresponding_column fun(self: lualchemy.Table, column?: any): any
---@field create fun(self: lualchemy.Table, bind?: any, opts?: any): any
---@field delete fun(self: lualchemy.Table): lualchemy.Delete
---@field drop fun(self: lualchemy.Table, bind?: any, opts?: any): any
---@field exists fun(self: lualchemy.Table, bind?: any): lualchemy.Exists
---@field get_children fun(self: lualchemy.Table): any
---@field insert fun(self: lualchemy.Table): lualchemy.Insert
---@field insert_column fun(self: lualchemy.Table, column?: any, position?: any, opts?: any): any
---@field is_derived_from fun(self: lualchemy.Table, from?: any): any
---@field join fun(self: lualchemy.Table, other?: any, on?: any, options?: any): lualchemy.Join
---@field lateral fun(self: lualchemy.Table, name?: any): lualchemy.Lateral
---@field outerjoin fun(self: lualchemy.Table, other?: any, on?: any, options?: any): lualchemy.Join
---@field params fun(self: lualchemy.Table, values?: any): any
---@field replace_selectable fun(self: lualchemy.Table, old?: any, alias?: any): any
---@field select fun(self: lualchemy.Table, ...: any): lualchemy.Select
---@field self_group fun(self: lualchemy.Table): any
---@field set_creator_ddl fun(self: lualchemy.Table, ddl?: any): any
---@field set_dropper_ddl fun(self: lualchemy.Table, ddl?: any): any
---@field table_valued fun(self: lualchemy.Table): any
---@field tablesample fun(self: lualchemy.Table, method?: any, options?: any): lualchemy.TableSample
---@field to_metadata fun(self: lualchemy.Table, metadata?: any, opts?: any): any
---@field update fun(self: lualchemy.Table): lualchemy.Update

---@class lualchemy.Transaction: lualchemy.Object
---@field close fun(self: lualchemy.Transaction): any
---@field is_ended fun(self: lualchemy.Transaction): any

---@class lualchemy.TwoPhaseTransaction: lualchemy.RootTransaction
---@field commit fun(self: lualchemy.TwoPhaseTransaction): any
---@field prepare fun(self: lualchemy.TwoPhaseTransaction): any

---@class lualchemy.Type: lualchemy.Object
---@field as_generic fun(self: lualchemy.Type, options?: any): any
---@field bind_expression fun(self: lualchemy.Type, bind?: any): any
---@field bind_processor fun(self: lualchemy.Type, dialect?: any): any
---@field column_expression fun(self: lualchemy.Type, column?: any): any
---@field compare_values fun(self: lualchemy.Type, a?: any, b?: any): any
---@field compile fun(self: lualchemy.Type, target?: any): lualchemy.Compiled
---@field dialect_impl fun(self: lualchemy.Type, dialect?: any): any
---@field literal_processor fun(self: lualchemy.Type, dialect?: any): any
---@field result_processor fun(self: lualchemy.Type, dialect?: any): any
---@field with_variant fun(self: lualchemy.Type, variant?: any, ...: any): any

---@class lualchemy.TypeDecorator: lualchemy.Type
---@field bind_expression fun(self: lualchemy.TypeDecorator, bind?: any): any
---@field column_expression fun(self: lualchemy.TypeDecorator, column?: any): any

---@class lualchemy.URL: lualchemy.Object
---@field create fun(self: lualchemy.URL, drivername?: any, parts?: any): any
---@field difference_update_query fun(self: lualchemy.URL, names?: any): any
---@field get_backend_name fun(self: lualchemy.URL): any
---@field get_dialect fun(self: lualchemy.URL): any
---@field get_driver_name fun(self: lualchemy.URL): any
---@field make fun(self: lualchemy.URL, from?: any): any
---@field normalized_query fun(self: lualchemy.URL): any
---@field render_as_string fun(self: lualchemy.URL, options?: any): any
---@field set fun(self: lualchemy.URL, parts?: any): any
---@field translate_connect_args fun(self: lualchemy.URL, names?: any): any
---@field update_query_dict fun(self: lualchemy.URL, parameters?: any, options?: any): any
---@field update_query_pairs fun(self: lualchemy.URL, pairs_?: any, options?: any): any
---@field update_query_string fun(self: lualchemy.URL, text?: any, options?: any): any

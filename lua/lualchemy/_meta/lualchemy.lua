---@meta
-- Written by `make completions` (spec/support/completions.lua): what `sa`, `orm` and their classes have, for editors.

---@class lualchemy
---@field ARRAY lualchemy.ARRAY|fun(...: any): lualchemy.ARRAY
---@field AddConstraint lualchemy.AddConstraint|fun(...: any): lualchemy.AddConstraint
---@field AggregateOrderBy lualchemy.AggregateOrderBy|fun(...: any): lualchemy.AggregateOrderBy
---@field Alias lualchemy.Alias|fun(...: any): lualchemy.Alias
---@field AliasedReturnsRows lualchemy.AliasedReturnsRows|fun(...: any): lualchemy.AliasedReturnsRows
---@field AssertionPool lualchemy.AssertionPool|fun(...: any): lualchemy.AssertionPool
---@field BIGINT lualchemy.BIGINT|fun(...: any): lualchemy.BIGINT
---@field BINARY lualchemy.BINARY|fun(...: any): lualchemy.BINARY
---@field BLANK_SCHEMA table
---@field BLOB lualchemy.BLOB|fun(...: any): lualchemy.BLOB
---@field BOOLEAN lualchemy.BOOLEAN|fun(...: any): lualchemy.BOOLEAN
---@field BaseDDLElement lualchemy.DDLElement|fun(...: any): lualchemy.DDLElement
---@field BigInteger lualchemy.BigInteger|fun(...: any): lualchemy.BigInteger
---@field BinaryExpression lualchemy.BinaryExpression|fun(...: any): lualchemy.BinaryExpression
---@field BindParameter lualchemy.BindParameter|fun(...: any): lualchemy.BindParameter
---@field Boolean lualchemy.Boolean|fun(...: any): lualchemy.Boolean
---@field BooleanClauseList lualchemy.BooleanClauseList|fun(...: any): lualchemy.BooleanClauseList
---@field BoundMetaData lualchemy.MetaData|fun(...: any): lualchemy.MetaData
---@field CHAR lualchemy.CHAR|fun(...: any): lualchemy.CHAR
---@field CLOB lualchemy.CLOB|fun(...: any): lualchemy.CLOB
---@field COLLECT_CARTESIAN_PRODUCTS number
---@field CTE lualchemy.CTE|fun(...: any): lualchemy.CTE
---@field Case lualchemy.Case|fun(...: any): lualchemy.Case
---@field Cast lualchemy.Cast|fun(...: any): lualchemy.Cast
---@field CheckConstraint lualchemy.CheckConstraint|fun(...: any): lualchemy.CheckConstraint
---@field ClauseElement lualchemy.ClauseElement|fun(...: any): lualchemy.ClauseElement
---@field CollationClause lualchemy.CollationClause|fun(...: any): lualchemy.CollationClause
---@field Column lualchemy.Column|fun(...: any): lualchemy.Column
---@field ColumnClause lualchemy.ColumnClause|fun(...: any): lualchemy.ColumnClause
---@field ColumnCollectionConstraint lualchemy.ColumnCollectionConstraint|fun(...: any): lualchemy.ColumnCollectionConstraint
---@field ColumnDefault lualchemy.ColumnDefault|fun(...: any): lualchemy.ColumnDefault
---@field ColumnElement lualchemy.ColumnElement|fun(...: any): lualchemy.ColumnElement
---@field CompoundSelect lualchemy.CompoundSelect|fun(...: any): lualchemy.CompoundSelect
---@field Computed lualchemy.Computed|fun(...: any): lualchemy.Computed
---@field Connection lualchemy.Connection|fun(...: any): lualchemy.Connection
---@field Constraint lualchemy.Constraint|fun(...: any): lualchemy.Constraint
---@field CreateColumn lualchemy.CreateColumn|fun(...: any): lualchemy.CreateColumn
---@field CreateIndex lualchemy.CreateIndex|fun(...: any): lualchemy.CreateIndex
---@field CreateSchema lualchemy.CreateSchema|fun(...: any): lualchemy.CreateSchema
---@field CreateSequence lualchemy.CreateSequence|fun(...: any): lualchemy.CreateSequence
---@field CreateTable lualchemy.CreateTable|fun(...: any): lualchemy.CreateTable
---@field CreateTableAs lualchemy.CreateTableAs|fun(...: any): lualchemy.CreateTableAs
---@field CreateView lualchemy.CreateView|fun(...: any): lualchemy.CreateView
---@field CursorResult lualchemy.Result|fun(...: any): lualchemy.Result
---@field DATE lualchemy.DATE|fun(...: any): lualchemy.DATE
---@field DATETIME lualchemy.DATETIME|fun(...: any): lualchemy.DATETIME
---@field DDL lualchemy.DDL|fun(...: any): lualchemy.DDL
---@field DDLElement lualchemy.DDLElement|fun(...: any): lualchemy.DDLElement
---@field DECIMAL lualchemy.DECIMAL|fun(...: any): lualchemy.DECIMAL
---@field DMLTargetCopy lualchemy.DMLTargetCopy|fun(...: any): lualchemy.DMLTargetCopy
---@field DOUBLE lualchemy.DOUBLE|fun(...: any): lualchemy.DOUBLE
---@field DOUBLE_PRECISION lualchemy.DOUBLE_PRECISION|fun(...: any): lualchemy.DOUBLE_PRECISION
---@field Date lualchemy.Date|fun(...: any): lualchemy.Date
---@field DateTime lualchemy.DateTime|fun(...: any): lualchemy.DateTime
---@field DefaultClause lualchemy.DefaultClause|fun(...: any): lualchemy.DefaultClause
---@field Delete lualchemy.Delete|fun(...: any): lualchemy.Delete
---@field Dialect lualchemy.Dialect|fun(...: any): lualchemy.Dialect
---@field Double lualchemy.Double|fun(...: any): lualchemy.Double
---@field DropColumnComment lualchemy.DropColumnComment|fun(...: any): lualchemy.DropColumnComment
---@field DropConstraint lualchemy.DropConstraint|fun(...: any): lualchemy.DropConstraint
---@field DropConstraintComment lualchemy.DropConstraintComment|fun(...: any): lualchemy.DropConstraintComment
---@field DropIndex lualchemy.DropIndex|fun(...: any): lualchemy.DropIndex
---@field DropSchema lualchemy.DropSchema|fun(...: any): lualchemy.DropSchema
---@field DropSequence lualchemy.DropSequence|fun(...: any): lualchemy.DropSequence
---@field DropTable lualchemy.DropTable|fun(...: any): lualchemy.DropTable
---@field DropTableComment lualchemy.DropTableComment|fun(...: any): lualchemy.DropTableComment
---@field DropView lualchemy.DropView|fun(...: any): lualchemy.DropView
---@field Engine lualchemy.Engine|fun(...: any): lualchemy.Engine
---@field Enum lualchemy.Enum|fun(...: any): lualchemy.Enum
---@field Executable lualchemy.Executable|fun(...: any): lualchemy.Executable
---@field ExecutableDDLElement lualchemy.DDLElement|fun(...: any): lualchemy.DDLElement
---@field Exists lualchemy.Exists|fun(...: any): lualchemy.Exists
---@field Extract lualchemy.Extract|fun(...: any): lualchemy.Extract
---@field FLOAT lualchemy.FLOAT|fun(...: any): lualchemy.FLOAT
---@field FROM_LINTING number
---@field False_ lualchemy.False_|fun(...: any): lualchemy.False_
---@field FetchedValue lualchemy.FetchedValue|fun(...: any): lualchemy.FetchedValue
---@field Float lualchemy.Float|fun(...: any): lualchemy.Float
---@field ForeignKey lualchemy.ForeignKey|fun(...: any): lualchemy.ForeignKey
---@field ForeignKeyConstraint lualchemy.ForeignKeyConstraint|fun(...: any): lualchemy.ForeignKeyConstraint
---@field FrameClause lualchemy.FrameClause|fun(...: any): lualchemy.FrameClause
---@field FrameClauseType table
---@field FromClause lualchemy.FromClause|fun(...: any): lualchemy.FromClause
---@field Function lualchemy.Function|fun(...: any): lualchemy.Function
---@field FunctionColumn lualchemy.ScalarFunctionColumn|fun(...: any): lualchemy.ScalarFunctionColumn
---@field FunctionElement lualchemy.FunctionElement|fun(...: any): lualchemy.FunctionElement
---@field FunctionFilter lualchemy.FunctionFilter|fun(...: any): lualchemy.FunctionFilter
---@field GenerativeSelect lualchemy.GenerativeSelect|fun(...: any): lualchemy.GenerativeSelect
---@field Grouping lualchemy.Grouping|fun(...: any): lualchemy.Grouping
---@field INT lualchemy.INTEGER|fun(...: any): lualchemy.INTEGER
---@field INTEGER lualchemy.INTEGER|fun(...: any): lualchemy.INTEGER
---@field Identity lualchemy.Identity|fun(...: any): lualchemy.Identity
---@field Index lualchemy.Index|fun(...: any): lualchemy.Index
---@field Insert lualchemy.Insert|fun(...: any): lualchemy.Insert
---@field Inspector lualchemy.Inspector|fun(...: any): lualchemy.Inspector
---@field Integer lualchemy.Integer|fun(...: any): lualchemy.Integer
---@field Interval lualchemy.Interval|fun(...: any): lualchemy.Interval
---@field JSON lualchemy.JSON|fun(...: any): lualchemy.JSON
---@field Join lualchemy.Join|fun(...: any): lualchemy.Join
---@field LABEL_STYLE_DEFAULT number
---@field LABEL_STYLE_DISAMBIGUATE_ONLY number
---@field LABEL_STYLE_NONE number
---@field LABEL_STYLE_TABLENAME_PLUS_COL number
---@field LOADER_OPTIONS string
---@field Label lualchemy.Label|fun(...: any): lualchemy.Label
---@field LargeBinary lualchemy.LargeBinary|fun(...: any): lualchemy.LargeBinary
---@field Lateral lualchemy.Lateral|fun(...: any): lualchemy.Lateral
---@field MappingResult lualchemy.MappingResult|fun(...: any): lualchemy.MappingResult
---@field MetaData lualchemy.MetaData|fun(...: any): lualchemy.MetaData
---@field NCHAR lualchemy.NCHAR|fun(...: any): lualchemy.NCHAR
---@field NO_LINTING number
---@field NUMERIC lualchemy.NUMERIC|fun(...: any): lualchemy.NUMERIC
---@field NVARCHAR lualchemy.NVARCHAR|fun(...: any): lualchemy.NVARCHAR
---@field NestedTransaction lualchemy.NestedTransaction|fun(...: any): lualchemy.NestedTransaction
---@field NextValue lualchemy.next_value|fun(...: any): lualchemy.next_value
---@field Null lualchemy.Null|fun(...: any): lualchemy.Null
---@field NullPool lualchemy.NullPool|fun(...: any): lualchemy.NullPool
---@field NullType lualchemy.NullType|fun(...: any): lualchemy.NullType
---@field Numeric lualchemy.Numeric|fun(...: any): lualchemy.Numeric
---@field OperatorExpression lualchemy.OperatorExpression|fun(...: any): lualchemy.OperatorExpression
---@field OrderByList lualchemy.OrderByList|fun(...: any): lualchemy.OrderByList
---@field Over lualchemy.Over|fun(...: any): lualchemy.Over
---@field Pool lualchemy.Pool|fun(...: any): lualchemy.Pool
---@field PrimaryKeyConstraint lualchemy.PrimaryKeyConstraint|fun(...: any): lualchemy.PrimaryKeyConstraint
---@field QueuePool lualchemy.QueuePool|fun(...: any): lualchemy.QueuePool
---@field REAL lualchemy.REAL|fun(...: any): lualchemy.REAL
---@field Result lualchemy.Result|fun(...: any): lualchemy.Result
---@field RootTransaction lualchemy.RootTransaction|fun(...: any): lualchemy.RootTransaction
---@field Row lualchemy.Row|fun(...: any): lualchemy.Row
---@field SMALLINT lualchemy.SMALLINT|fun(...: any): lualchemy.SMALLINT
---@field ScalarResult lualchemy.ScalarResult|fun(...: any): lualchemy.ScalarResult
---@field ScalarSelect lualchemy.ScalarSelect|fun(...: any): lualchemy.ScalarSelect
---@field SchemaItem lualchemy.SchemaItem|fun(...: any): lualchemy.SchemaItem
---@field Select lualchemy.Select|fun(...: any): lualchemy.Select
---@field SelectBase lualchemy.SelectBase|fun(...: any): lualchemy.SelectBase
---@field SelectLabelStyle table
---@field Sequence lualchemy.Sequence|fun(...: any): lualchemy.Sequence
---@field SetColumnComment lualchemy.SetColumnComment|fun(...: any): lualchemy.SetColumnComment
---@field SetConstraintComment lualchemy.SetConstraintComment|fun(...: any): lualchemy.SetConstraintComment
---@field SetTableComment lualchemy.SetTableComment|fun(...: any): lualchemy.SetTableComment
---@field Several lualchemy.Insert|fun(...: any): lualchemy.Insert
---@field SingletonPool lualchemy.SingletonPool|fun(...: any): lualchemy.SingletonPool
---@field SmallInteger lualchemy.SmallInteger|fun(...: any): lualchemy.SmallInteger
---@field StaticPool lualchemy.StaticPool|fun(...: any): lualchemy.StaticPool
---@field String lualchemy.String|fun(...: any): lualchemy.String
---@field Subquery lualchemy.Subquery|fun(...: any): lualchemy.Subquery
---@field SyntaxExtension lualchemy.SyntaxExtension|fun(...: any): lualchemy.SyntaxExtension
---@field TEXT lualchemy.TEXT|fun(...: any): lualchemy.TEXT
---@field TIME lualchemy.TIME|fun(...: any): lualchemy.TIME
---@field TIMESTAMP lualchemy.TIMESTAMP|fun(...: any): lualchemy.TIMESTAMP
---@field Table lualchemy.Table|fun(...: any): lualchemy.Table
---@field TableClause lualchemy.TableClause|fun(...: any): lualchemy.TableClause
---@field TableSample lualchemy.TableSample|fun(...: any): lualchemy.TableSample
---@field TableValuedAlias lualchemy.TableValuedAlias|fun(...: any): lualchemy.TableValuedAlias
---@field TableValuedColumn lualchemy.TableValuedColumn|fun(...: any): lualchemy.TableValuedColumn
---@field Text lualchemy.Text|fun(...: any): lualchemy.Text
---@field TextClause lualchemy.TextClause|fun(...: any): lualchemy.TextClause
---@field TextualSelect lualchemy.TextualSelect|fun(...: any): lualchemy.TextualSelect
---@field Time lualchemy.Time|fun(...: any): lualchemy.Time
---@field Transaction lualchemy.Transaction|fun(...: any): lualchemy.Transaction
---@field True_ lualchemy.True_|fun(...: any): lualchemy.True_
---@field TryCast lualchemy.TryCast|fun(...: any): lualchemy.TryCast
---@field Tuple lualchemy.Tuple|fun(...: any): lualchemy.Tuple
---@field TupleType lualchemy.TupleType|fun(...: any): lualchemy.TupleType
---@field TwoPhaseTransaction lualchemy.TwoPhaseTransaction|fun(...: any): lualchemy.TwoPhaseTransaction
---@field TypeCoerce lualchemy.TypeCoerce|fun(...: any): lualchemy.TypeCoerce
---@field TypeDecorator lualchemy.TypeDecorator|fun(...: any): lualchemy.TypeDecorator
---@field TypeEngine lualchemy.Type|fun(...: any): lualchemy.Type
---@field URL lualchemy.URL|fun(...: any): lualchemy.URL
---@field UUID lualchemy.UUID|fun(...: any): lualchemy.UUID
---@field UnaryExpression lualchemy.UnaryExpression|fun(...: any): lualchemy.UnaryExpression
---@field Unicode lualchemy.Unicode|fun(...: any): lualchemy.Unicode
---@field UnicodeText lualchemy.UnicodeText|fun(...: any): lualchemy.UnicodeText
---@field UniqueConstraint lualchemy.UniqueConstraint|fun(...: any): lualchemy.UniqueConstraint
---@field Update lualchemy.Update|fun(...: any): lualchemy.Update
---@field UpdateBase lualchemy.UpdateBase|fun(...: any): lualchemy.UpdateBase
---@field Upsert lualchemy.Insert|fun(...: any): lualchemy.Insert
---@field UserDefinedType lualchemy.UserDefinedType|fun(...: any): lualchemy.UserDefinedType
---@field Uuid lualchemy.Uuid|fun(...: any): lualchemy.Uuid
---@field VARBINARY lualchemy.VARBINARY|fun(...: any): lualchemy.VARBINARY
---@field VARCHAR lualchemy.VARCHAR|fun(...: any): lualchemy.VARCHAR
---@field Values lualchemy.Values|fun(...: any): lualchemy.Values
---@field ValuesBase lualchemy.ValuesBase|fun(...: any): lualchemy.ValuesBase
---@field WARN_LINTING number
---@field WithinGroup lualchemy.WithinGroup|fun(...: any): lualchemy.WithinGroup
---@field _VERSION string
---@field aggregate_order_by fun(element?: any, ...: any): any
---@field alias fun(element?: any, name?: any, options?: any): lualchemy.Alias
---@field all_ fun(...: any): lualchemy.ColumnElement
---@field and_ fun(...: any): lualchemy.ColumnElement
---@field any_ fun(...: any): lualchemy.ColumnElement
---@field asc fun(item?: any): any
---@field between fun(x?: any, a?: any, b?: any, options?: any): lualchemy.ColumnElement
---@field bindparam fun(key?: any, ...: any): lualchemy.BindParameter
---@field bitwise_not fun(...: any): any
---@field bytes fun(...: any): any
---@field case fun(...: any): lualchemy.Case
---@field cast fun(x?: any, type_?: any): lualchemy.Cast
---@field collate fun(x?: any, name?: any): any
---@field column fun(name?: any, type_?: any, options?: any): lualchemy.ColumnClause
---@field compiles fun(class_?: any, ...: any): any
---@field conv fun(name?: any): any
---@field create_engine fun(url?: any, options?: any): lualchemy.Engine
---@field create_mock_engine fun(url?: any, executor?: any): any
---@field cte fun(statement?: any, name?: any, options?: any): lualchemy.CTE
---@field date fun(...: any): any
---@field datetime fun(...: any): any
---@field decimal fun(...: any): any
---@field delete fun(target?: any): lualchemy.Delete
---@field desc fun(item?: any): any
---@field dialect_of fun(target?: any): any
---@field dialects table
---@field distinct fun(...: any): any
---@field engine_from_config fun(config?: any, prefix?: any, overrides?: any): lualchemy.Engine
---@field event table
---@field exc table
---@field except_ fun(...: any): lualchemy.CompoundSelect
---@field except_all fun(...: any): lualchemy.CompoundSelect
---@field exists fun(...: any): lualchemy.Exists
---@field extract fun(field?: any, x?: any): any
---@field false_ fun(): any
---@field from_dml_column fun(column?: any): any
---@field func table
---@field funcfilter fun(element?: any, ...: any): any
---@field insert fun(target?: any): lualchemy.Insert
---@field insert_sentinel fun(name?: any, type_?: any, opts?: any): any
---@field inspect fun(target?: any): lualchemy.Inspector
---@field intersect fun(...: any): lualchemy.CompoundSelect
---@field intersect_all fun(...: any): lualchemy.CompoundSelect
---@field interval fun(...: any): any
---@field join fun(left?: any, right?: any, on?: any, options?: any): lualchemy.Join
---@field label fun(name?: any, element?: any): lualchemy.Label
---@field lateral fun(element?: any, name?: any): lualchemy.Lateral
---@field list_of fun(...: any): any
---@field literal fun(value?: any, type_?: any, options?: any): any
---@field literal_column fun(text?: any, type_?: any): any
---@field make_url fun(from?: any): lualchemy.URL
---@field not_ fun(...: any): any
---@field null any
---@field null_ fun(): any
---@field nulls_first fun(item?: any): any
---@field nulls_last fun(item?: any): any
---@field nullsfirst fun(item?: any): any
---@field nullslast fun(item?: any): any
---@field or_ fun(...: any): any
---@field outerjoin fun(left?: any, right?: any, on?: any, options?: any): lualchemy.Join
---@field over fun(element?: any, options?: any): lualchemy.Over
---@field pool table
---@field quoted_name fun(name?: any, quote?: any): any
---@field register_function fun(name?: any, make?: any): any
---@field select fun(...: any): lualchemy.Select
---@field set_wait fun(fn?: any): any
---@field set_warning_hook fun(fn?: any): any
---@field sort_tables fun(tables?: any): any
---@field sort_tables_and_constraints fun(tables?: any, opts?: any): any
---@field table fun(name?: any, ...: any): lualchemy.TableClause
---@field tablesample fun(element?: any, method?: any, options?: any): lualchemy.TableSample
---@field text fun(text?: any): lualchemy.TextClause
---@field time fun(...: any): any
---@field true_ fun(): any
---@field try_cast fun(x?: any, type_?: any): any
---@field tuple_ fun(...: any): any
---@field type_coerce fun(x?: any, type_?: any): any
---@field types table
---@field union fun(...: any): lualchemy.CompoundSelect
---@field union_all fun(...: any): lualchemy.CompoundSelect
---@field update fun(target?: any): lualchemy.Update
---@field uuid fun(...: any): any
---@field uuid4 fun(...: any): any
---@field uuid7 fun(...: any): any
---@field values fun(...: any): lualchemy.Values
---@field visitors table
---@field within_group fun(element?: any, ...: any): any

---@class lualchemy.ARRAY: lualchemy.Type

---@class lualchemy.AddConstraint: lualchemy.DDLElement

---@class lualchemy.Alias: lualchemy.AliasedReturnsRows

---@class lualchemy.AssertionPool: lualchemy.Pool

---@class lualchemy.BIGINT: lualchemy.BigInteger

---@class lualchemy.BINARY: lualchemy.LargeBinary

---@class lualchemy.BLOB: lualchemy.LargeBinary

---@class lualchemy.BOOLEAN: lualchemy.Boolean

---@class lualchemy.BigInteger: lualchemy.Integer

---@class lualchemy.Boolean: lualchemy.Type

---@class lualchemy.CHAR: lualchemy.String

---@class lualchemy.CLOB: lualchemy.Text

---@class lualchemy.CollationClause: lualchemy.ColumnElement

---@class lualchemy.CreateColumn: lualchemy.DDLElement

---@class lualchemy.CreateIndex: lualchemy.DDLElement

---@class lualchemy.CreateSchema: lualchemy.DDLElement

---@class lualchemy.CreateSequence: lualchemy.DDLElement

---@class lualchemy.CreateTable: lualchemy.DDLElement

---@class lualchemy.CreateTableAs: lualchemy.TableViaSelect

---@class lualchemy.CreateView: lualchemy.TableViaSelect

---@class lualchemy.DATE: lualchemy.Date

---@class lualchemy.DATETIME: lualchemy.DateTime

---@class lualchemy.DDL: lualchemy.DDLElement

---@class lualchemy.DECIMAL: lualchemy.Numeric

---@class lualchemy.DMLTargetCopy: lualchemy.ColumnElement

---@class lualchemy.DOUBLE: lualchemy.Double

---@class lualchemy.DOUBLE_PRECISION: lualchemy.Double

---@class lualchemy.Date: lualchemy.Type

---@class lualchemy.DateTime: lualchemy.Type

---@class lualchemy.Double: lualchemy.Float

---@class lualchemy.DropColumnComment: lualchemy.DDLElement

---@class lualchemy.DropConstraint: lualchemy.DDLElement

---@class lualchemy.DropConstraintComment: lualchemy.DDLElement

---@class lualchemy.DropIndex: lualchemy.DDLElement

---@class lualchemy.DropSchema: lualchemy.DDLElement

---@class lualchemy.DropSequence: lualchemy.DDLElement

---@class lualchemy.DropTable: lualchemy.DDLElement

---@class lualchemy.DropTableComment: lualchemy.DDLElement

---@class lualchemy.DropView: lualchemy.DDLElement

---@class lualchemy.Enum: lualchemy.String

---@class lualchemy.FLOAT: lualchemy.Float

---@class lualchemy.False_: lualchemy.ColumnElement

---@class lualchemy.Float: lualchemy.Numeric

---@class lualchemy.FrameClause: lualchemy.Object

---@class lualchemy.Grouping: lualchemy.ColumnElement

---@class lualchemy.INTEGER: lualchemy.Integer

---@class lualchemy.Integer: lualchemy.Type

---@class lualchemy.Interval: lualchemy.Type

---@class lualchemy.Label: lualchemy.ColumnElement

---@class lualchemy.LargeBinary: lualchemy.Type

---@class lualchemy.Lateral: lualchemy.AliasedReturnsRows

---@class lualchemy.NCHAR: lualchemy.Unicode

---@class lualchemy.NUMERIC: lualchemy.Numeric

---@class lualchemy.NVARCHAR: lualchemy.Unicode

---@class lualchemy.Null: lualchemy.ColumnElement

---@class lualchemy.NullPool: lualchemy.Pool

---@class lualchemy.NullType: lualchemy.Type

---@class lualchemy.Numeric: lualchemy.Type

---@class lualchemy.Object

---@class lualchemy.OperatorExpression: lualchemy.ColumnElement

---@class lualchemy.PrimaryKeyConstraint: lualchemy.ColumnCollectionConstraint

---@class lualchemy.REAL: lualchemy.Float

---@class lualchemy.Row: lualchemy.Object

---@class lualchemy.SMALLINT: lualchemy.SmallInteger

---@class lualchemy.ScalarFunctionColumn: lualchemy.ColumnElement

---@class lualchemy.SetColumnComment: lualchemy.DDLElement

---@class lualchemy.SetConstraintComment: lualchemy.DDLElement

---@class lualchemy.SetTableComment: lualchemy.DDLElement

---@class lualchemy.SingletonPool: lualchemy.Pool

---@class lualchemy.SmallInteger: lualchemy.Integer

---@class lualchemy.StaticPool: lualchemy.Pool

---@class lualchemy.String: lualchemy.Type

---@class lualchemy.Subquery: lualchemy.AliasedReturnsRows

---@class lualchemy.TEXT: lualchemy.Text

---@class lualchemy.TIME: lualchemy.Time

---@class lualchemy.TIMESTAMP: lualchemy.DateTime

---@class lualchemy.TableClause: lualchemy.FromClause

---@class lualchemy.TableValuedColumn: lualchemy.ColumnElement

---@class lualchemy.TableViaSelect: lualchemy.DDLElement

---@class lualchemy.Text: lualchemy.String

---@class lualchemy.Time: lualchemy.Type

---@class lualchemy.True_: lualchemy.ColumnElement

---@class lualchemy.TryCast: lualchemy.Cast

---@class lualchemy.TupleType: lualchemy.Type

---@class lualchemy.UUID: lualchemy.Uuid

---@class lualchemy.Unicode: lualchemy.String

---@class lualchemy.UnicodeText: lualchemy.Text

---@class lualchemy.UniqueConstraint: lualchemy.ColumnCollectionConstraint

---@class lualchemy.UserDefinedType: lualchemy.Type

---@class lualchemy.Uuid: lualchemy.Type

---@class lualchemy.VARBINARY: lualchemy.LargeBinary

---@class lualchemy.VARCHAR: lualchemy.String

---@class lualchemy.next_value: lualchemy.Function

--- The mapped classes of the model test: a relationship of every kind, and inheritance.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")

local M = {}

local Base = orm.declarative_base { metadata = sa.MetaData() }
M.metadata = Base.metadata

local function id() return sa.Column(sa.Integer, { primary_key = true }) end
local function name() return sa.Column(sa.String(20)) end
local function reference(to, options) return sa.Column(sa.Integer, sa.ForeignKey(to), options) end

M.links = sa.Table("model_links", Base.metadata, sa.Column("user_id", sa.ForeignKey("model_users.id"), { primary_key = true }),
  sa.Column("tag_id", sa.ForeignKey("model_tags.id"), { primary_key = true }))

M.classes = {
  User = Base:class("ModelUser", {
    __tablename__ = "model_users", id = id(), name = name(), n = sa.Column(sa.Integer),
    addresses = orm.relationship("ModelAddress", { back_populates = "user", cascade = "all, delete-orphan" }),
    tags = orm.relationship("ModelTag", { secondary = M.links, back_populates = "users" }),
  }),
  Address = Base:class("ModelAddress", {
    __tablename__ = "model_addresses", id = id(), name = name(), user_id = reference("model_users.id", { nullable = false }),
    user = orm.relationship("ModelUser", { back_populates = "addresses" }),
  }),
  Tag = Base:class("ModelTag", {
    __tablename__ = "model_tags", id = id(), name = name(),
    users = orm.relationship("ModelUser", { secondary = M.links, back_populates = "tags" }),
  }),
  Node = Base:class("ModelNode", {
    __tablename__ = "model_nodes", id = id(), name = name(), parent_id = reference("model_nodes.id"),
    children = orm.relationship("ModelNode", { back_populates = "parent" }),
    parent = orm.relationship("ModelNode", { back_populates = "children", remote_side = "ModelNode.id" }),
  }),
  Company = Base:class("ModelCompany", {
    __tablename__ = "model_companies", id = id(), name = name(),
    employees = orm.relationship("ModelEmployee", { back_populates = "company" }),
  }),
}

local Employee = Base:class("ModelEmployee", {
  __tablename__ = "model_employees", id = id(), name = name(), kind = sa.Column(sa.String(10)), company_id = reference("model_companies.id"),
  company = orm.relationship("ModelCompany", { back_populates = "employees" }),
  __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "employee" },
})
M.classes.Employee = Employee
M.classes.Engineer = Employee:class("ModelEngineer", {
  __tablename__ = "model_engineers", id = sa.Column(sa.Integer, sa.ForeignKey("model_employees.id"), { primary_key = true }),
  language = sa.Column(sa.String(20)),
  __mapper_args__ = { polymorphic_identity = "engineer" },
})
M.classes.Manager = Employee:class("ModelManager", { __mapper_args__ = { polymorphic_identity = "manager" } })

--- Columns of each kind that the test writes.
M.columns = { User = { "name", "n" }, Address = { "name" }, Tag = { "name" }, Node = { "name" }, Company = { "name" },
  Employee = { "name" }, Manager = { "name" }, Engineer = { "name", "language" } }

--- What is asked for by key or by query for each kind.
M.root = { Engineer = "Employee", Manager = "Employee" }

--- One-to-many relationships: where a kind's parent is, what the other side calls it, and whether a child cannot be without.
M.parents = {
  Address = { key = "user", list = "addresses", kind = "User", needed = true },
  Node = { key = "parent", list = "children", kind = "Node" },
  Employee = { key = "company", list = "employees", kind = "Company" },
}
M.parents.Engineer, M.parents.Manager = M.parents.Employee, M.parents.Employee

return M

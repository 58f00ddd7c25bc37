--- The mapped classes of the model test: a relationship of every kind (one-to-many with and without orphans, one-to-one,
-- many-to-many, trees, many-to-many of a class with itself, post_update both ways), inheritance over three tables, in one table
-- and concrete, a version counter.

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

M.friends = sa.Table("model_friends", Base.metadata, sa.Column("node_id", sa.ForeignKey("model_nodes.id"), { primary_key = true }),
  sa.Column("friend_id", sa.ForeignKey("model_nodes.id"), { primary_key = true }))

M.classes = {
  User = Base:class("ModelUser", {
    __tablename__ = "model_users", id = id(), name = name(), n = sa.Column(sa.Integer),
    addresses = orm.relationship("ModelAddress", { back_populates = "user", cascade = "all, delete-orphan" }),
    tags = orm.relationship("ModelTag", { secondary = M.links, back_populates = "users" }),
    passport = orm.relationship("ModelPassport", { back_populates = "user", uselist = false, cascade = "all, delete-orphan" }),
  }),
  Passport = Base:class("ModelPassport", {
    __tablename__ = "model_passports", id = id(), name = name(), user_id = reference("model_users.id", { nullable = false }),
    user = orm.relationship("ModelUser", { back_populates = "passport" }),
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
    favourite_id = reference("model_nodes.id"),
    children = orm.relationship("ModelNode", { back_populates = "parent", foreign_keys = "ModelNode.parent_id" }),
    parent = orm.relationship("ModelNode", { back_populates = "children", remote_side = "ModelNode.id", foreign_keys = "ModelNode.parent_id" }),
    favourite = orm.relationship("ModelNode", { back_populates = "fans", remote_side = "ModelNode.id", foreign_keys = "ModelNode.favourite_id",
      post_update = true }),
    fans = orm.relationship("ModelNode", { back_populates = "favourite", foreign_keys = "ModelNode.favourite_id", post_update = true }),
    friends = orm.relationship("ModelNode", { secondary = M.friends, primaryjoin = "ModelNode.id:eq(model_friends.c.node_id)",
      secondaryjoin = "ModelNode.id:eq(model_friends.c.friend_id)", back_populates = "friend_of" }),
    friend_of = orm.relationship("ModelNode", { secondary = M.friends, primaryjoin = "ModelNode.id:eq(model_friends.c.friend_id)",
      secondaryjoin = "ModelNode.id:eq(model_friends.c.node_id)", back_populates = "friends" }),
  }),
  Company = Base:class("ModelCompany", {
    __tablename__ = "model_companies", id = id(), name = name(), version = sa.Column(sa.Integer, { nullable = false }),
    employees = orm.relationship("ModelEmployee", { back_populates = "company" }), __mapper_args__ = { version_id_col = "version" },
  }),
  Vehicle = Base:class("ModelVehicle", { __tablename__ = "model_vehicles", id = id(), name = name() }),
}
M.classes.Boat = M.classes.Vehicle:class("ModelBoat", { __tablename__ = "model_boats", id = id(), name = name(), sail = name(),
  __mapper_args__ = { concrete = true } })

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
M.classes.Senior = M.classes.Engineer:class("ModelSenior", {
  __tablename__ = "model_seniors", id = sa.Column(sa.Integer, sa.ForeignKey("model_engineers.id"), { primary_key = true }),
  motto = sa.Column(sa.String(20)), __mapper_args__ = { polymorphic_identity = "senior" },
})
M.classes.Manager = Employee:class("ModelManager", { __mapper_args__ = { polymorphic_identity = "manager" } })

--- Columns of each kind that the test writes.
M.columns = { User = { "name", "n" }, Address = { "name" }, Tag = { "name" }, Node = { "name" }, Company = { "name" },
  Employee = { "name" }, Manager = { "name" }, Engineer = { "name", "language" }, Senior = { "name", "language", "motto" },
  Passport = { "name" }, Vehicle = { "name" }, Boat = { "name", "sail" } }

--- What is asked for by key or by query for each kind.
M.root = { Engineer = "Employee", Manager = "Employee", Senior = "Employee" }

--- Whose rows lie in a table beside those of the kind itself.
M.within = { Employee = { Engineer = true, Manager = true, Senior = true }, Engineer = { Senior = true } }

--- One-to-many relationships: where a kind's parent is, what the other side calls it, whether a child cannot be without, and
--- whether there is one at most.
M.parents = {
  Address = { key = "user", list = "addresses", kind = "User", needed = true },
  Passport = { key = "user", list = "passport", kind = "User", needed = true, single = true },
  Node = { key = "parent", list = "children", kind = "Node" },
  Employee = { key = "company", list = "employees", kind = "Company" },
}
for _, kind in ipairs { "Engineer", "Manager", "Senior" } do M.parents[kind] = M.parents.Employee end

--- Many-to-many relationships of a kind: what an item has of them, by that name, and the other side's.
M.many = {
  User = { tags = { kind = "Tag", back = "users" } },
  Node = { friends = { kind = "Node", back = "friend_of" } },
}

return M

-- Classes made from a schema that is there: orm.automap_base and orm.DeferredReflection, on both databases.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")
local warnings = require("lualchemy.util.warn")

local TABLES = { "am_membership", "am_nokey", "am_team", "am_address", "am_engineer", "am_person" }

local SCHEMA = {
  "CREATE TABLE am_person (id INTEGER PRIMARY KEY, name VARCHAR(50), kind VARCHAR(20), boss_id INTEGER REFERENCES am_person(id))",
  "CREATE TABLE am_engineer (id INTEGER PRIMARY KEY REFERENCES am_person(id), language VARCHAR(20))",
  "CREATE TABLE am_address (id INTEGER PRIMARY KEY, email VARCHAR(50), person_id INTEGER NOT NULL REFERENCES am_person(id) ON DELETE CASCADE)",
  "CREATE TABLE am_team (id INTEGER PRIMARY KEY, title VARCHAR(50))",
  "CREATE TABLE am_membership (person_id INTEGER REFERENCES am_person(id), team_id INTEGER REFERENCES am_team(id))",
  "CREATE TABLE am_nokey (x INTEGER)",
}

-- Names that collide, in tables that only some tests look at: two foreign keys to one table, a column called like a class,
-- an association of a table with itself.
local COLLIDING = {
  "CREATE TABLE am_place (id INTEGER PRIMARY KEY, am_parcel_collection VARCHAR(20))",
  "CREATE TABLE am_parcel (id INTEGER PRIMARY KEY, origin_id INTEGER REFERENCES am_place(id), goal_id INTEGER REFERENCES am_place(id))",
  "CREATE TABLE am_friend (team_id INTEGER REFERENCES am_team(id), friend_id INTEGER REFERENCES am_team(id))",
}

local function keys_of(class_)
  local keys = {}
  for _, prop in ipairs(sa.inspect(class_).attrs) do keys[#keys + 1] = prop.key end
  table.sort(keys)
  return keys
end

for database, url in targets.each() do
  describe("classes from a schema on " .. database, function()
    local engine, session

    local function drop(conn)
      for _, name in ipairs{ "am_friend", "am_parcel", "am_place" } do conn:exec_driver_sql("DROP TABLE IF EXISTS " .. name) end
      for _, name in ipairs(TABLES) do conn:exec_driver_sql("DROP TABLE IF EXISTS " .. name) end
    end

    before_each(function()
      engine = sa.create_engine(url, { poolclass = sa.pool.StaticPool })
      engine:begin(function(conn)
        drop(conn)
        for _, statement in ipairs(SCHEMA) do conn:exec_driver_sql(statement) end
        for _, statement in ipairs(COLLIDING) do conn:exec_driver_sql(statement) end
      end)
      session = orm.Session{ bind = engine }
    end)
    after_each(function()
      session:close()
      engine:begin(drop)
      engine:dispose()
    end)

    it("automap makes a class for each table with a key, and relationships both ways", function()
      local Base = orm.automap_base()
      Base:prepare{ autoload_with = engine, reflection_options = { only = TABLES } }
      local Person, Address, Team = Base.classes.am_person, Base.classes.am_address, Base.classes.am_team
      assert.is_nil(Base.classes.am_nokey)
      assert.is_nil(Base.classes.am_membership)
      assert.same({ "am_address_collection", "am_engineer_collection", "am_person", "am_person_collection", "am_team_collection", "boss_id",
        "id", "kind", "name" }, keys_of(Person))
      assert.same({ "am_person", "email", "id", "person_id" }, keys_of(Address))
      assert.same({ "am_person_collection", "id", "title" }, keys_of(Team))

      local person = Person{ id = 1, name = "ed", am_person = Person{ id = 2, name = "boss" }, am_address_collection = { Address{ id = 1 } },
        am_team_collection = { Team{ id = 1, title = "t" } } }
      session:add(person)
      session:commit()
      assert.equal(person, session:get(Person, 2).am_person_collection[1])
      assert.equal(person, session:get(Team, 1).am_person_collection[1])
      assert.equal(person, session:get(Address, 1).am_person)
      local addresses = sa.inspect(Person).property_by_key.am_address_collection
      assert.is_true(addresses.cascade.delete_orphan)
      assert.is_true(addresses.passive_deletes)
    end)

    it("automap takes declared classes for their tables, and names that the program makes", function()
      local Base = orm.automap_base()
      local Person = Base:class("Person", {
        __tablename__ = "am_person", __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" },
        full_name = sa.Column("name", sa.String(50)), kind = sa.Column(sa.String(20)),
        addresses = orm.relationship("am_address", { collection_class = orm.collections.set }),
      })
      local Engineer = Person:class("Engineer", {
        __tablename__ = "am_engineer", __mapper_args__ = { polymorphic_identity = "engineer" },
        id = sa.Column(sa.ForeignKey("am_person.id"), { primary_key = true }),
      })
      raises("UnmappedClassError", { "'Person' is not mapped yet", "prepare()" }, Person, {})
      local seen = {}
      Base:prepare{ autoload_with = engine, reflection_options = { only = TABLES },
        classname_for_table = function(base, name, table_)
          assert.is_true(rawequal(base, Base) and table_.name == name)
          return name
        end,
        name_for_scalar_relationship = function(_, _, referred, constraint)
          return constraint.elements[1].parent.name:match("boss") and "boss" or referred.__name:lower()
        end,
        name_for_collection_relationship = function(_, _, referred)
          return referred.__name:gsub("^am_", ""):lower() .. (referred.__name == "am_address" and "es" or "s")
        end,
        generate_relationship = function(base, direction, fn, name, own, referred, options)
          seen[#seen + 1] = direction .. " " .. own.__name .. "." .. name
          if direction == "MANYTOMANY" then options.order_by = referred.id end
          return require("lualchemy.ext.automap").generate_relationship(base, direction, fn, name, own, referred, options)
        end }
      table.sort(seen)
      assert.same({ "MANYTOMANY Person.teams", "MANYTOMANY am_team.persons", "MANYTOONE Person.boss", "MANYTOONE am_address.person",
        "ONETOMANY Person.persons" }, seen)
      assert.equal(Person, Base.classes.Person)
      local engineer = Engineer{ id = 1, full_name = "e", language = "Lua" }
      engineer.addresses:add(Base.classes.am_address{ id = 1 })
      session:add(engineer)
      session:commit()
      assert.equal("Lua", session:query(Person):one().language)
      assert.equal(engineer, session:get(Base.classes.am_address, 1).person)
    end)

    it("automap leaves out a relationship whose name is taken, and says how to name it", function()
      local Base, said = orm.automap_base(), {}
      warnings.set_hook(function(message) said[#said + 1] = message end)
      Base:prepare{ autoload_with = engine, reflection_options = { only = { "am_parcel", "am_place", "am_friend" } } }
      warnings.set_hook(nil)
      orm.configure_mappers()
      assert.same({ "am_parcel_collection", "id" }, keys_of(Base.classes.am_place))
      assert.same({ "goal_id", "id", "origin_id" }, keys_of(Base.classes.am_parcel))
      local all = table.concat(said, "\n")
      assert.matches("foreign key am_parcel%(.*%) gets no relationships: am_place has 'am_parcel_collection' already; name_for_collection", all)
      assert.matches("foreign key am_friend%(.*%) gets 'am_team_collection' on one side only", all)
    end)

    it("automap connects two foreign keys between the same tables by names of their own", function()
      local Base = orm.automap_base()
      local function role(constraint) return (constraint.column_keys[1]:gsub("_id$", "")) end
      Base:prepare{ autoload_with = engine, reflection_options = { only = { "am_parcel", "am_place" } },
        name_for_scalar_relationship = function(_, _, _, constraint) return role(constraint) end,
        name_for_collection_relationship = function(_, _, _, constraint) return role(constraint) .. "_of" end }
      local Place = Base.classes.am_place
      local parcel = Base.classes.am_parcel{ id = 1, origin = Place{ id = 1 }, goal = Place{ id = 2 } }
      session:add(parcel)
      session:commit()
      assert.same({ 0, 1 }, { #session:get(Place, 2).origin_of, #session:get(Place, 2).goal_of })
    end)

    it("automap goes on where an earlier prepare() stopped, and says when two tables want one name", function()
      local Base = orm.automap_base{ declarative_base = orm.declarative_base() }
      Base:prepare{ autoload_with = engine, reflection_options = { only = { "am_team" } } }
      local Team, said = Base.classes.am_team, {}
      warnings.set_hook(function(message) said[#said + 1] = message end)
      Base:prepare{ autoload_with = engine, reflection_options = { only = { "am_person", "am_address" } },
        classname_for_table = function(_, name) return name == "am_address" and "am_team" or name end }
      warnings.set_hook(nil)
      assert.equal(Team, Base.classes.am_team)
      assert.is_table(Base.classes.am_person)
      assert.matches("'am_address' gets no class.*classname_for_table", said[1])
      raises("ArgumentError", { "prepare() knows no option 'schemas'", "did you mean 'schema'" }, Base.prepare, Base, { schemas = "s" })
    end)

    it("deferred reflection fills in declared classes", function()
      local Base = orm.declarative_base()
      local Reflected = Base:class("Reflected", orm.DeferredReflection, { __abstract__ = true })
      local Person = Reflected:class("Person", {
        __tablename__ = "am_person",
        teams = orm.relationship("Team", { secondary = "am_membership", back_populates = "people" }),
        addresses = orm.relationship("Address", { back_populates = "person" }),
      })
      local Address = Reflected:class("Address", {
        __tablename__ = "am_address",
        mail = sa.Column("email", sa.String(50)),
        person = orm.relationship("Person", { back_populates = "addresses" }),
      })
      local Team = Reflected:class("Team", {
        __tablename__ = "am_team",
        people = orm.relationship("Person", { secondary = "am_membership", back_populates = "teams" }),
      })
      local Own = Base:class("Own", { __tablename__ = "am_own", id = sa.Column(sa.Integer, { primary_key = true }) })
      assert.is_table(sa.inspect(Own))
      Reflected:prepare(engine)
      session:add(Person{ id = 1, name = "ed", addresses = { Address{ id = 1, mail = "m" } }, teams = { Team{ id = 1 } } })
      session:commit()
      local person = session:query(Person):one()
      assert.same({ "ed", "m", 1 }, { person.name, person.addresses[1].mail, person.teams[1].id })
      assert.equal(person, person.teams[1].people[1])
    end)
  end)
end

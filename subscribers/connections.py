"""How it is said that connections to a database are used up: for rules, and for what it costs."""

from __future__ import annotations

#: What pools and databases say when connections are used up or waited for: HikariCP, DBCP, SQLAlchemy,
#: c3p0, Oracle, PostgreSQL, MySQL, SQL Server; and plain words. RE2.
EXHAUSTED = (
    r"(?i)pool (is )?(exhausted|empty|full)|exhausted pool|(cannot|could not|couldn't|unable to) "
    r"(get|obtain|acquire|open) (a |an )?(\w+ )?connection|connection is not available|"
    r"no (free |available |more |database |db )?"
    r"connections? (available|left|free|after)|too many (\w+ )?connections|queuepool limit|"
    r"timeout waiting for (idle object|connection)|timeout (expired|elapsed) prior to obtaining a connection|"
    r"ORA-(12516|12519|12520|00018|00020)|remaining connection slots|max_connections|"
    r"waited [0-9.]+ ?m?s for a (\w+ )?connection"
)

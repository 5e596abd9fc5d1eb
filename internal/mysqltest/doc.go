// Package mysqltest runs real MySQL servers for tests and for the demo.
//
// A server is a process of its own with a data directory of its own, listening on 127.0.0.1 and a socket only. Its
// data directory is a copy of a template that is initialized once per machine, so a server is there in about a
// second. It dies with the process that started it, however that ends.
//
// Tests take servers with [Source] and [Target]; a test package whose TestMain calls [Main] keeps them between its
// tests. Programs use [Find] and [Install.Start]. The default is MySQL 9.7; [Options.Kind] asks for another of the servers
// that make servers installs.
//
// What may not happen in this package: a server that is missing is an error ("run make servers"), never a reason to
// skip; nothing here stands in for MySQL; nothing is read from the environment but the variables that name servers
// (TRIPOD_TEST_MYSQLD and its like). No package of
// the product may import it.
package mysqltest

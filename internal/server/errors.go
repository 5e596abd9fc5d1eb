package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"net"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/internal/fault"
)

// Error numbers of the server that tripod acts on.
const (
	ErrHandshake            = 1043
	ErrSchemaDenied         = 1044
	ErrAccessDenied         = 1045
	ErrUnknownSchema        = 1049
	ErrUnknownColumn        = 1054
	ErrParse                = 1064
	ErrUnknownTable         = 1109
	ErrHostNotAllowed       = 1130
	ErrTableDenied          = 1142
	ErrColumnDenied         = 1143
	ErrNoSuchTable          = 1146
	ErrLockWaitTimeout      = 1205
	ErrDeadlock             = 1213
	ErrPrivilegeNeeded      = 1227
	ErrQueryInterrupted     = 1317
	ErrViewInvalid          = 1356
	ErrRoutineDenied        = 1370
	ErrTableChanged         = 1412
	ErrPartitionMatch       = 1731
	ErrSecureTransport      = 3159
	ErrExecutionTimeExceded = 3024
)

var (
	accountErrors = map[uint16]bool{
		ErrAccessDenied: true, ErrHostNotAllowed: true,
		1251: true, // the client does not know the authentication plugin
		1524: true, // the server's plugin is not loaded
		1698: true, // access denied without a password
		1820: true, // the password must be changed before anything else
		1862: true, // the password has expired
		3118: true, // the account is locked
		3955: true, // the account is blocked for a time after wrong passwords
	}
	grantErrors = map[uint16]bool{
		ErrSchemaDenied: true, ErrTableDenied: true, ErrColumnDenied: true, ErrPrivilegeNeeded: true, ErrRoutineDenied: true,
		1401: true, // XA RECOVER
	}
	// Answers of a server that cannot serve at the moment: as if it could not be reached.
	unavailableErrors = map[uint16]bool{
		1040: true,                                                 // too many connections
		1053: true,                                                 // shutdown in progress
		1129: true,                                                 // the host is blocked after connection errors
		1152: true, 1158: true, 1159: true, 1160: true, 1161: true, // broken connection
		1203: true, 1226: true, // the user has too many connections
		3032: true, // the server is in offline mode
	}
)

// ErrorNumber returns the server's error number inside err, 0 where there is none.
func ErrorNumber(err error) uint16 {
	var driverError *mysql.MySQLError
	if errors.As(err, &driverError) {
		return driverError.Number
	}
	var protocolError *gomysql.MyError
	if errors.As(err, &protocolError) {
		return protocolError.Code
	}
	return 0
}

// ErrorText returns what a server said with an error that it sent; empty for any other error.
func ErrorText(err error) string {
	var driverError *mysql.MySQLError
	if errors.As(err, &driverError) {
		return driverError.Message
	}
	var protocolError *gomysql.MyError
	if errors.As(err, &protocolError) {
		return protocolError.Message
	}
	return ""
}

// Classify turns an error of a connection or a statement into a fault with kind, exit code and
// hint. A fault stays as it is, and so does an error that it does not know or that comes from
// the caller's context.
func Classify(err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	switch number := ErrorNumber(err); {
	case accountErrors[number]:
		return wrap(fault.KindPassword, "check the user in the URL and the password in the environment or the defaults file", err)
	case grantErrors[number]:
		return wrap(fault.KindGrant, "GRANT the account the privilege that the message names", err)
	case unavailableErrors[number]:
		return wrap(fault.KindConnect, "the server takes no connection at the moment: look at its error log and max_connections", err)
	case number == ErrSecureTransport:
		return wrap(fault.KindConnect, "the account or the server demands TLS: put ?tls=required behind the URL", err)
	case number != 0:
		return err
	}
	if hint := connectHint(err); hint != "" {
		return wrap(fault.KindConnect, hint, err)
	}
	return err
}

func wrap(kind fault.Kind, hint string, err error) error {
	return &fault.Error{Code: fault.CodeFailed, Kind: kind, Hint: hint, Err: err}
}

// connectHint returns the remedy for an error of the network or of TLS, "" for any other.
func connectHint(err error) string {
	var (
		unknownCA   x509.UnknownAuthorityError
		wrongName   x509.HostnameError
		badCert     x509.CertificateInvalidError
		verify      *tls.CertificateVerificationError
		alert       tls.AlertError
		record      tls.RecordHeaderError
		unknownHost *net.DNSError
		network     net.Error
	)
	switch {
	case errors.Is(err, mysql.ErrNoTLS) || errors.Is(err, errNoTLS):
		return "the server offers no TLS: put ?tls=preferred or ?tls=disabled behind the URL, or enable TLS on the server"
	case errors.As(err, &wrongName):
		return "the server's certificate does not name this host: use the name it has, or tls=verify-ca"
	case errors.As(err, &unknownCA), errors.As(err, &badCert), errors.As(err, &verify):
		return "the server's certificate does not come from the CA: name its CA with ?ca=FILE, or use tls=required"
	case errors.As(err, &alert), errors.As(err, &record):
		return "the TLS handshake failed: check tls, ca, cert and key of the URL"
	case errors.As(err, &unknownHost):
		return "check the host in the URL: its name has no address"
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, gomysql.ErrBadConn), errors.As(err, &network):
		return "check host, port or socket in the URL, and that the server runs and may be reached from here"
	}
	return ""
}

// IsTransient tells whether err is the end of a connection or an unreachable server, after
// which connecting again makes sense.
func IsTransient(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if number := ErrorNumber(err); number != 0 {
		return unavailableErrors[number]
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return known.Kind == fault.KindConnect
	}
	return connectHint(err) != ""
}

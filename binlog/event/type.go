package event

import "strconv"

// Type is the type code in the header of an event.
type Type byte

// The event types of MySQL 5.6 to 9.x, and from 160 on those of MariaDB. Codes that are missing here
// are not written by these servers.
const (
	TypeUnknown            Type = 0
	TypeStartV3            Type = 1
	TypeQuery              Type = 2
	TypeStop               Type = 3
	TypeRotate             Type = 4
	TypeIntvar             Type = 5
	TypeAppendBlock        Type = 9
	TypeDeleteFile         Type = 11
	TypeRand               Type = 13
	TypeUserVar            Type = 14
	TypeFormatDescription  Type = 15
	TypeXID                Type = 16
	TypeBeginLoadQuery     Type = 17
	TypeExecuteLoadQuery   Type = 18
	TypeTableMap           Type = 19
	TypeWriteRowsV1        Type = 23
	TypeUpdateRowsV1       Type = 24
	TypeDeleteRowsV1       Type = 25
	TypeIncident           Type = 26
	TypeHeartbeat          Type = 27
	TypeIgnorable          Type = 28
	TypeRowsQuery          Type = 29
	TypeWriteRowsV2        Type = 30
	TypeUpdateRowsV2       Type = 31
	TypeDeleteRowsV2       Type = 32
	TypeGTID               Type = 33
	TypeAnonymousGTID      Type = 34
	TypePreviousGTIDs      Type = 35
	TypeTransactionContext Type = 36
	TypeViewChange         Type = 37
	TypeXAPrepare          Type = 38
	TypePartialUpdateRows  Type = 39
	TypeTransactionPayload Type = 40
	TypeHeartbeatV2        Type = 41
	TypeGTIDTagged         Type = 42

	TypeAnnotateRows           Type = 160
	TypeBinlogCheckpoint       Type = 161
	TypeMariaDBGTID            Type = 162
	TypeGTIDList               Type = 163
	TypeStartEncryption        Type = 164
	TypeQueryCompressed        Type = 165
	TypeWriteRowsCompressedV1  Type = 166
	TypeUpdateRowsCompressedV1 Type = 167
	TypeDeleteRowsCompressedV1 Type = 168
	TypeWriteRowsCompressedV2  Type = 169
	TypeUpdateRowsCompressedV2 Type = 170
	TypeDeleteRowsCompressedV2 Type = 171
)

var typeNames = map[Type]string{
	TypeUnknown:            "Unknown",
	TypeStartV3:            "Start_v3",
	TypeQuery:              "Query",
	TypeStop:               "Stop",
	TypeRotate:             "Rotate",
	TypeIntvar:             "Intvar",
	TypeAppendBlock:        "Append_block",
	TypeDeleteFile:         "Delete_file",
	TypeRand:               "RAND",
	TypeUserVar:            "User_var",
	TypeFormatDescription:  "Format_desc",
	TypeXID:                "Xid",
	TypeBeginLoadQuery:     "Begin_load_query",
	TypeExecuteLoadQuery:   "Execute_load_query",
	TypeTableMap:           "Table_map",
	TypeWriteRowsV1:        "Write_rows_v1",
	TypeUpdateRowsV1:       "Update_rows_v1",
	TypeDeleteRowsV1:       "Delete_rows_v1",
	TypeIncident:           "Incident",
	TypeHeartbeat:          "Heartbeat",
	TypeIgnorable:          "Ignorable",
	TypeRowsQuery:          "Rows_query",
	TypeWriteRowsV2:        "Write_rows",
	TypeUpdateRowsV2:       "Update_rows",
	TypeDeleteRowsV2:       "Delete_rows",
	TypeGTID:               "Gtid",
	TypeAnonymousGTID:      "Anonymous_Gtid",
	TypePreviousGTIDs:      "Previous_gtids",
	TypeTransactionContext: "Transaction_context",
	TypeViewChange:         "View_change",
	TypeXAPrepare:          "XA_prepare",
	TypePartialUpdateRows:  "Update_rows_partial",
	TypeTransactionPayload: "Transaction_payload",
	TypeHeartbeatV2:        "Heartbeat_v2",
	TypeGTIDTagged:         "Gtid_tagged",

	TypeAnnotateRows:           "Annotate_rows",
	TypeBinlogCheckpoint:       "Binlog_checkpoint",
	TypeMariaDBGTID:            "Gtid",
	TypeGTIDList:               "Gtid_list",
	TypeStartEncryption:        "Start_encryption",
	TypeQueryCompressed:        "Query_compressed",
	TypeWriteRowsCompressedV1:  "Write_rows_compressed_v1",
	TypeUpdateRowsCompressedV1: "Update_rows_compressed_v1",
	TypeDeleteRowsCompressedV1: "Delete_rows_compressed_v1",
	TypeWriteRowsCompressedV2:  "Write_rows_compressed",
	TypeUpdateRowsCompressedV2: "Update_rows_compressed",
	TypeDeleteRowsCompressedV2: "Delete_rows_compressed",
}

// String names the type as SHOW BINLOG EVENTS does.
func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return "event type " + strconv.Itoa(int(t))
}

// IsRows tells whether events of the type carry row images.
func (t Type) IsRows() bool {
	switch t.uncompressed() {
	case TypeWriteRowsV1, TypeUpdateRowsV1, TypeDeleteRowsV1,
		TypeWriteRowsV2, TypeUpdateRowsV2, TypeDeleteRowsV2, TypePartialUpdateRows:
		return true
	default:
		return false
	}
}

// uncompressed returns the type of which t is the compressed form (log_bin_compress of MariaDB); any
// other as it is.
func (t Type) uncompressed() Type {
	switch {
	case t == TypeQueryCompressed:
		return TypeQuery
	case t >= TypeWriteRowsCompressedV1 && t <= TypeDeleteRowsCompressedV1:
		return TypeWriteRowsV1 + t - TypeWriteRowsCompressedV1
	case t >= TypeWriteRowsCompressedV2 && t <= TypeDeleteRowsCompressedV2:
		return TypeWriteRowsV2 + t - TypeWriteRowsCompressedV2
	}
	return t
}

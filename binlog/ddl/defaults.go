package ddl

import "strings"

// repeatable tells whether the default that begins at token i is a function of the table and
// of what a replay sets again (timestamp, time_zone, character sets). Unknown functions are
// taken for others: uuid(), rand(), connection_id() and all that will be invented.
func (p *parser) repeatable(i, end int) bool {
	to := i + 1
	switch {
	case p.isPunct(i, '('):
		to = min(p.closing(i), end)
	case p.isIdentifier(i) && p.isPunct(i+1, '('):
		to = min(p.closing(i+1), end)
	}
	for ; i < to; i++ {
		switch {
		case p.isPunct(i, '@'), p.isWord(i, "CURRENT_USER"), p.isWord(i, "CURRENT_ROLE"), p.isWords(i, "NEXT", "VALUE"):
			return false
		case p.isIdentifier(i) && p.isPunct(i+1, '(') && !repeatableFunctions[strings.ToLower(p.identifier(i))]:
			return false
		}
	}
	return true
}

// repeatableFunctions give the same result on any server for the same arguments and the same
// session context. Types of CAST and CONVERT, which look like calls, are among them.
var repeatableFunctions = set(`
	now current_timestamp localtime localtimestamp curdate current_date curtime current_time
	utc_date utc_time utc_timestamp unix_timestamp from_unixtime
	abs acos asin atan atan2 ceil ceiling conv cos cot crc32 degrees div exp floor ln log log10 log2
	mod pi pow power radians round sign sin sqrt tan truncate greatest least interval
	ascii bin bin_to_uuid uuid_to_bin bit_count bit_length char char_length character_length concat concat_ws elt
	field find_in_set from_base64 to_base64 hex unhex insert instr lcase lower ucase upper left right
	length locate lpad rpad ltrim rtrim trim mid substr substring substring_index octet_length ord
	position quote repeat replace reverse soundex space strcmp weight_string oct export_set make_set
	adddate addtime subdate subtime date date_add date_sub datediff day dayofmonth dayofweek dayofyear
	extract from_days hour last_day makedate maketime microsecond minute month period_add period_diff
	quarter sec_to_time second str_to_date time time_to_sec timediff timestamp timestampadd
	timestampdiff to_days to_seconds week weekday weekofyear year yearweek get_format
	if ifnull isnull nullif coalesce in and or not xor like case when then else values
	cast convert decimal numeric binary char nchar varchar datetime signed unsigned json float double
	json_array json_object json_array_append json_array_insert json_contains json_contains_path
	json_depth json_extract json_insert json_keys json_length json_merge json_merge_patch
	json_merge_preserve json_overlaps json_quote json_remove json_replace json_search json_set
	json_type json_unquote json_valid json_value json_compact
	md5 sha sha1 sha2 compress uncompress uncompressed_length inet_aton inet_ntoa inet6_aton inet6_ntoa
	is_ipv4 is_ipv6 is_uuid
	point linestring polygon multipoint multilinestring multipolygon geometrycollection
	st_geomfromtext st_geometryfromtext st_pointfromtext st_linefromtext st_polyfromtext st_geomfromwkb st_geomfromgeojson st_srid
	string_to_vector to_vector vec_fromtext
`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

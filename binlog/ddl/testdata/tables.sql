create table `o``1`.`p 1` (id int primary key);
create table types (
 a tinyint, a2 tinyint(1) unsigned, b smallint unsigned zerofill, c mediumint, d int(7) zerofill, e bigint unsigned, f decimal, f2 decimal(10,3) unsigned, f3 decimal(65,30), g float, g2 float(10,3), g3 float(30), h double, h2 double(20,5) unsigned, i bit, i2 bit(64), y year,
 da date, ti time, ti6 time(6), dt datetime default '2020-01-01 00:00:00', dt6 datetime(6) default current_timestamp(6) on update current_timestamp(6), ts timestamp null default null, ts2 timestamp(3) not null default current_timestamp(3), 
 c1 char, c2 char(0), c3 char(255) charset latin1 collate latin1_bin, c4 char(10) binary, n nchar(5), nv nvarchar(7), v varchar(0), v2 varchar(1000) collate utf8mb4_bin, bi binary, bi2 binary(16) default 0x00ff, vb varbinary(100) default 'x', vbn varbinary(10) default b'101',
 tt tinytext, t1 text charset gbk, t2 mediumtext, t3 longtext, tb tinyblob, bl blob, mb mediumblob, lb longblob, 
 en enum('a','b''c','d\\e','f,g','(','','中','\n') charset utf8mb4 default 'b''c', se set('x','y','a b') not null default 'x,y', eb enum('a','b') charset binary, ebx enum(x'ff',x'00') charset binary, el enum(x'e9') charset latin1,
 j json, jd json default (json_array(1,2)), ve vector(3), ve2 vector, ge geometry, po point not null srid 4326, ls linestring srid 0, pl polygon, mp multipoint, ml multilinestring, mpl multipolygon, gc geometrycollection,
 bt bit(3) default b'101', de decimal(5,2) default -1.50, fl float default 1e10, inb int default 5, nn int not null, xdef varchar(40) default (uuid()), xd2 int default (1+2*(3-4)), ynull varchar(5) default null, yq varchar(20) default 'it''s "q" \\ \n \0 中', ybq varchar(10) default 'a\tb'
) comment 'tab ''c'' \\ \n中';
create table gen (id int primary key, a int, v int as (a+1), s varchar(30) as (concat('x(', a, ')')) stored comment 'c', j json, jv varchar(20) generated always as (json_unquote(json_extract(j,'$.a"b'))) virtual not null, inv int default 3 invisible, ginv int as (a) virtual invisible, ck int check (ck > 1), constraint cc check (a < 100 and s <> ')'), constraint ne check (a <> 5) not enforced, chv char(5) charset latin1 as ('abc') stored,
 key fx ((a+1)), key fx2 ((lower(s)) desc, a), key mv ((cast(j->'$.arr' as unsigned array))), unique key u (a desc, s(10)), key iv (a) invisible comment 'ix ''q''', key h (a) using hash, key kbs (a) key_block_size=8, fulltext key ft (s), fulltext key ftn (s) with parser ngram, key (`s`(5) asc));
create table par (id int, a int, key(a), d date) partition by range (to_days(d)) (partition p0 values less than (to_days('2020-01-01')) comment 'x', partition p1 values less than maxvalue);
create table parent (id int primary key, a int, b int, unique key ab (a, b));
create table child (id int auto_increment primary key, a int, b int, p int, q int, r int, constraint `fk "1" ``x` foreign key (a, b) references parent (a, b) on delete cascade on update set null, foreign key (p) references parent (id) on delete no action, constraint fk3 foreign key (q) references `o``1`.`p 1` (id) on update cascade, foreign key (r) references child (id) on delete set null);
create table inline_fk (id int primary key, p int references parent(id) on delete cascade, t varchar(5) comment 'references (x), key');
create table `sp ace``tick"quote.dot` (`sp ace``x` int, `key` int, `primary` varchar(3) default 'key', `,(` int, a$a1 int, 1a int, `größe` int comment 'ä;--#/*', primary key (`sp ace``x`), key `k``(,` (`key`, `,(`));
create table bare (a int);
create table mem (a int, b varchar(10), key using btree (a), unique key u using hash (b)) engine=memory max_rows=100 comment='x\'y';
create table isam (a int not null, b int not null auto_increment, c text, g point not null srid 0, primary key (a, b), fulltext key (c), spatial key (g)) engine=myisam row_format=dynamic pack_keys=1 checksum=1 delay_key_write=1 avg_row_length=20 min_rows=1 stats_persistent=1 auto_increment=7;
create table csvt (a int not null, b varchar(10) not null) engine=csv;
create table arch (a int) engine=archive;
create table bh (a int) engine=blackhole;
create table mrg1 (a int, b int) engine=myisam;
create table mrg (a int, b int) engine=merge union=(mrg1) insert_method=last;
create table opts (a int primary key, b varchar(100) column_format fixed, c blob) engine=innodb auto_increment=1234567890 row_format=compressed key_block_size=4 stats_persistent=0 stats_auto_recalc=1 stats_sample_pages=20 max_rows=1000 min_rows=5 charset=latin1 collate=latin1_german2_ci comment='o';
create table attr (a int primary key secondary_engine_attribute='{"k": "v)"}', b int not secondary, key kb (b) secondary_engine_attribute='{"i": "),("}') secondary_engine_attribute='{}';
create table lists (id int, c varchar(10), primary key (id, c)) partition by list columns(c) (partition a values in ('x)','y,'), partition b values in ('it''s'));
create table subs (id int, d date, primary key (id, d)) partition by range (year(d)) subpartition by hash (to_days(d)) subpartitions 2 (partition p0 values less than (1990) (subpartition s0, subpartition s1), partition p1 values less than maxvalue (subpartition s2, subpartition s3));
create table keyp (id int primary key) partition by linear key algorithm=2 (id) partitions 3;
create table checks (a int check (a in (1,2,3)), b varchar(20), constraint `c,(` check (b like '%),(%' and a > 0), check (b <> 'it''s') not enforced, j json check (json_valid(j)), ed date default (curdate()), et timestamp(6) default now(6) on update now(6));
create table charsets (a char(3) charset utf16, b varchar(3) charset utf32 collate utf32_bin, c text charset ucs2, d enum('a','я') charset cp1251, e set('a','b') charset koi8r, f varchar(3) charset sjis, g varchar(3) collate utf8mb4_general_ci, h varchar(3) collate utf8mb4_0900_as_cs, i varchar(3) charset binary, j char(3) charset utf8mb3 collate utf8mb3_bin, k text collate utf16le_bin) charset utf8mb3;
create table cs_bin (a varchar(3), b text, c char(3)) charset binary;
create table deflt (a bit(8) default b'11111111', b bit(1) default 0, c binary(3) default 'ab', d varbinary(9) default x'00ff27', e char(5) default '', f varchar(9) default "q'q", g double default -1e-5, h decimal(10,2) default 0.10, i date default '2020-02-02', j time default '-10:00:00', k year default 2000, l bigint unsigned default 18446744073709551615, m text default (concat('a)', 'b''')), n blob default (x'00'), o json default (json_object('k', json_array(1, '('))), p geometry default (point(1,2)), q timestamp default '2001-01-01 00:00:00', r datetime(3) default now(3) on update current_timestamp(3), s varchar(30) default 'on update now', t varchar(30) default 'comment ''x''' comment 'default (1)', u tinyint default true, v enum('y','n') default 'n', w set('a','b') default '', x varchar(3) charset latin1 default x'e9', y int default null);
create table exprs (id int primary key, d date, s varchar(50), vg int as (year(d)) virtual unique, sg varchar(100) as (concat(s, ',', ifnull(d, '('))) stored not null comment 'as (x)', c char(4) as (left(s, 4)), key ((year(d)), s(3)), unique key ((case when s = ')' then 1 else 2 end), ((d + interval 1 day)) desc));
create table mv (id int primary key, j json, key m1 ((cast(j->'$.a' as char(10) array))), key m2 (id, (cast(j->'$[*]' as signed array))));
create table gipk_like (my_row_id bigint unsigned not null auto_increment /*!80023 invisible */, a int, primary key (my_row_id));
create table longc (a int comment 'line1\nline2\r\\ \'\" \t /* no */ -- x # y', b int comment '') comment 'ü', auto_increment=0;
create table desc_keys (a int, b int, c varchar(40), primary key (a desc, b), key (b desc, c(10) desc, a), unique key (c(5)) invisible);

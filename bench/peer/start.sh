#!/bin/sh
# Ballast as one of the measured programs: guard, journal, metrics and explanations at their defaults.
rm -rf "@STATE@" && mkdir -p "@STATE@"
exec "@BINARY@" run "@SITE@" --state "@STATE@" --metrics 127.0.0.1:@METRICS@

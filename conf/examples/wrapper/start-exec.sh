#!/bin/bash
# SPDX-License-Identifier: MIT
export GREETING="hello"
exec python3 -u "$APP_DIR/server.py"

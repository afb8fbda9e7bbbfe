#!/bin/bash
# SPDX-License-Identifier: MIT
export GREETING="hello"
python3 -u "$APP_DIR/server.py"
echo "the server has ended with $?"

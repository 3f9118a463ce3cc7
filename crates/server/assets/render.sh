#!/bin/sh
# Makes the PNG files from the drawings beside them. Needs rsvg-convert, pngquant and optipng.
set -eu
cd "$(dirname "$0")"
rsvg-convert -w 192 logo/logo.svg -o logo/logo.png
rsvg-convert -w 96 images/idp/idp.svg -o images/idp/idp.png
rsvg-convert -w 96 images/idp/localsts.svg -o images/idp/localsts.png
rsvg-convert -w 1600 illustration/illustration.svg |
    pngquant --quality 75-95 --speed 1 - >illustration/illustration.png
optipng -quiet -o5 -strip all logo/logo.png images/idp/*.png illustration/illustration.png

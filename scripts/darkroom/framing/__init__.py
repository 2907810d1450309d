"""The framing room: subject masks, raw scores, selection, buckets and crops."""

"""TBD: tracking objects through a video past look-alikes in the background."""

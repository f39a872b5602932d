package dev.weir.local;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * How to run local mode.
 *
 * @param dataDir objects, keys, kubeconfig, pods' files; made if absent, and gone on from if not
 * @param kubeconfig where to write the kubeconfig instead of the data directory
 * @param apiPort 0 for a free one
 * @param chartsPort 0 for a free one
 * @param controllers false runs the API server alone
 * @param operatorInside false leaves the operator to the controller chart
 * @param images image name to a command line or an http URL
 */
public record LocalOptions(
        Path dataDir,
        Optional<Path> kubeconfig,
        int apiPort,
        int chartsPort,
        boolean controllers,
        boolean operatorInside,
        Map<String, String> images) {
    public static LocalOptions in(Path dataDir) {
        return new LocalOptions(dataDir, Optional.empty(), 0, 0, true, true, Map.of());
    }

    public LocalOptions withOperatorInside(boolean inside) {
        return new LocalOptions(dataDir, kubeconfig, apiPort, chartsPort, controllers, inside, images);
    }

    public LocalOptions withImages(Map<String, String> mapped) {
        return new LocalOptions(dataDir, kubeconfig, apiPort, chartsPort, controllers, operatorInside, mapped);
    }
}
